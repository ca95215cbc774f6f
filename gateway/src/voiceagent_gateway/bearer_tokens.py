"""Callers by the JSON Web Tokens of an OIDC issuer."""

from typing import Any, Final, Protocol

import jwt
from voiceagent_api.gateway_settings import OidcSettings

from voiceagent_gateway.claims import identity_of
from voiceagent_gateway.identity import Identity
from voiceagent_gateway.issuer_keys import IssuerKey

TOKEN_MAX_LENGTH: Final = 16 * 1024
REQUIRED: Final = ("iss", "aud", "exp", "sub")


class Keys(Protocol):
    """Knows an issuer's keys."""

    async def key(self, kid: str | None) -> IssuerKey | None: ...


class BearerTokens:
    """Checks tokens: signature, issuer, audience, times."""

    def __init__(self, settings: OidcSettings, keys: Keys) -> None:
        self._settings = settings
        self._keys = keys

    async def identify(self, token: str) -> Identity | None:
        """Whose token it is; None for one that is not good. Raises a 503 problem where it cannot be checked."""
        if len(token) > TOKEN_MAX_LENGTH:
            return None
        try:
            header: dict[str, Any] = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return None
        # An extension that must be understood (crit) is not understood here.
        if header.get("alg") not in self._settings.algorithms or "crit" in header:
            return None
        key = await self._keys.key(header.get("kid"))
        if key is None or key.algorithm not in (None, header["alg"]):
            return None
        try:
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[header["alg"]],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=self._settings.leeway_seconds,
                options={"require": list(REQUIRED)},
            )
            return identity_of(claims, self._settings)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            return None
