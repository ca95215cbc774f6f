// An OpenID Connect server on loopback, as its users run it: programs with a client's secret get JWT access tokens.
// Told by one argument, as JSON: port, jwks (private), and clients: {id: {secret, audience, seconds, groups}}.
import Provider from 'oidc-provider';

const { port, jwks, clients } = JSON.parse(process.argv[2]);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks,
  clientDefaults: { id_token_signed_response_alg: jwks.keys[0].alg },
  clients: Object.entries(clients).map(([id, { secret }]) => ({
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  })),
  extraTokenClaims: (_, token) => ({ groups: clients[token.clientId].groups }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource, client) => ({
        scope: '',
        audience: clients[client.clientId].audience,
        accessTokenTTL: clients[client.clientId].seconds,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: jwks.keys[0].alg } },
      }),
    },
  },
});

provider.listen(port, '127.0.0.1');
