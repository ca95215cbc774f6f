"""The public keys of an OIDC issuer, from its discovery document: kept, and fetched again when they may have changed.

Keys are fetched anew every hour, and for a key that is not known (the issuer rotates its keys), then at most once in
half a minute, whatever callers send. While the issuer does not answer, what was known serves on for a day.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import jwt

from voiceagent_gateway.problems import ProblemError

DEADLINE_SECONDS: Final = 5.0
ANSWER_MAX_BYTES: Final = 256 * 1024
KEYS_MAX: Final = 100
FRESH_SECONDS: Final = 3600.0
REFRESH_PAUSE_SECONDS: Final = 30.0
STALE_MAX_SECONDS: Final = 24 * 3600.0
RETRY_SECONDS: Final = 10
log = logging.getLogger(__name__)


class IssuerError(Exception):
    """The issuer's keys cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One public key."""

    key: Any = field(repr=False)
    algorithm: str | None
    """The only algorithm that the issuer uses it for; None where the issuer does not say."""


class IssuerKeys:
    """Knows the issuer's keys by their ids."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        issuer: str,
        clock: Callable[[], float] = time.monotonic,
        pause_seconds: float = REFRESH_PAUSE_SECONDS,
    ) -> None:
        self._session = session
        self._issuer = issuer
        self._clock = clock
        self._pause_seconds = pause_seconds
        self._keys: dict[str, IssuerKey] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str | None) -> IssuerKey | None:
        """The key with this id, or the only one for none; None where the issuer has no such key.

        Raises a 503 problem where the issuer's keys have never been had, or not for a day.
        """
        found = self._find(kid)
        if found is None or self._age > FRESH_SECONDS:
            await self._refresh()
            found = self._find(kid)
        if self._age > STALE_MAX_SECONDS:
            detail = f"The keys of the OIDC issuer {self._issuer} cannot be had; the gateway's log says why."
            raise ProblemError(
                503, "issuer-unreachable", "Tokens cannot be checked", detail, retry_after_seconds=RETRY_SECONDS
            )
        return found

    @property
    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _find(self, kid: str | None) -> IssuerKey | None:
        if kid is not None:
            return self._keys.get(kid)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    async def _refresh(self) -> None:
        """Fetch the keys unless that was just tried; callers who come meanwhile wait for the one that fetches."""
        asked_at = self._clock()
        async with self._lock:
            # Whoever waited for the lock has what the one before fetched.
            if self._tried_at >= asked_at or asked_at - self._tried_at < self._pause_seconds:
                return
            self._tried_at = self._clock()
            try:
                async with asyncio.timeout(DEADLINE_SECONDS):
                    self._keys = await self._fetch()
            except (IssuerError, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                reason = str(error) or type(error).__name__
                log.warning("the OIDC issuer's keys cannot be had", extra={"issuer": self._issuer, "error": reason})
                return
            self._fetched_at = self._clock()
            log.info("the OIDC issuer's keys are known", extra={"issuer": self._issuer, "keys": sorted(self._keys)})

    async def _fetch(self) -> dict[str, IssuerKey]:
        address = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        discovery = await self._get(address)
        if discovery.get("issuer") != self._issuer:
            raise IssuerError(f"{address} is of another issuer")
        keys_address = str(discovery.get("jwks_uri", ""))
        # What is fetched in the clear could be anybody's.
        if not keys_address.startswith("https://" if self._issuer.startswith("https://") else ("https://", "http://")):
            raise IssuerError(f"{address} has no jwks_uri that can be trusted")
        return usable_keys(await self._get(keys_address))

    async def _get(self, address: str) -> Mapping[str, Any]:
        async with self._session.get(address, allow_redirects=False) as answer:
            if answer.status != 200:
                raise IssuerError(f"{address} answered {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_chunked(16 * 1024):
                body += chunk
                if len(body) > ANSWER_MAX_BYTES:
                    raise IssuerError(f"{address} answered with more than {ANSWER_MAX_BYTES} bytes")
        document = json.loads(body)
        if not isinstance(document, dict):
            raise IssuerError(f"{address} answered with no JSON object")
        return document


def usable_keys(document: Mapping[str, Any]) -> dict[str, IssuerKey]:
    """The keys of a key set with which signatures are checked; what cannot be used is left out. Pure."""
    keys: dict[str, IssuerKey] = {}
    listed = document.get("keys")
    for data in listed[:KEYS_MAX] if isinstance(listed, list) else ():
        # An "oct" key is a shared secret, and has no place in a public set.
        if not isinstance(data, dict) or data.get("kty") not in ("RSA", "EC", "OKP") or data.get("use", "sig") != "sig":
            continue
        try:
            keys[str(data.get("kid", ""))] = IssuerKey(jwt.PyJWK(data).key, data.get("alg"))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
    return keys
