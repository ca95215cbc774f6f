"""A small OpenID Connect issuer on loopback: discovery, keys that rotate, and tokens."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "voiceagents"


@dataclass
class LocalIssuer:
    """What the issuer says, and how often it was asked for its keys."""

    issuer: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    asked: int = 0
    down: bool = False
    discovery: dict[str, Any] = field(default_factory=dict)

    def rotate(self, kid: str, kind: str = "RSA") -> None:
        """From now on there is only this key."""
        key = ec.generate_private_key(ec.SECP256R1()) if kind == "EC" else rsa.generate_private_key(65537, 2048)
        self.keys = {kid: key}

    def token(self, kid: str | None = None, algorithm: str = "RS256", key: Any = None, **claims: Any) -> str:
        """A token that is good unless the claims say otherwise; a claim of None is left out."""
        now = time.time()
        said = {"iss": self.issuer, "aud": AUDIENCE, "sub": "anna", "iat": now, "exp": now + 300, **claims}
        kid = kid or next(iter(self.keys))
        payload = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(payload, self.keys[kid] if key is None else key, algorithm, headers={"kid": kid})

    def key_set(self) -> dict[str, Any]:
        made = []
        for kid, key in self.keys.items():
            of_curve = isinstance(key, ec.EllipticCurvePrivateKey)
            maker: Any = jwt.algorithms.ECAlgorithm if of_curve else jwt.algorithms.RSAAlgorithm
            made.append({**json.loads(maker.to_jwk(key.public_key())), "kid": kid, "use": "sig"})
        return {"keys": made}


@asynccontextmanager
async def local_issuer() -> AsyncIterator[LocalIssuer]:
    """One that runs for as long as the block."""
    issuer = LocalIssuer()
    issuer.rotate("first")

    async def discovery(_: web.Request) -> web.Response:
        if issuer.down:
            raise web.HTTPServiceUnavailable
        document = {"issuer": issuer.issuer, "jwks_uri": f"{issuer.issuer}/keys", **issuer.discovery}
        return web.json_response(document)

    async def keys(_: web.Request) -> web.Response:
        issuer.asked += 1
        return web.json_response(issuer.key_set())

    app = web.Application()
    app.add_routes([web.get("/.well-known/openid-configuration", discovery), web.get("/keys", keys)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    issuer.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield issuer
    finally:
        await runner.cleanup()
