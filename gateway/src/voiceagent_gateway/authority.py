"""What callers are known by, made as the install says, and kept up to date."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import aiohttp

from voiceagent_gateway.bearer_tokens import BearerTokens
from voiceagent_gateway.callers import Anybody, Callers, KnownCallers
from voiceagent_gateway.issuer_keys import IssuerKeys
from voiceagent_gateway.key_ring import KeyRing, KeySecret
from voiceagent_gateway.kube import Kube
from voiceagent_gateway.settings import Settings


class Authority:
    """The API keys and the OIDC issuer of an install."""

    callers: Callers

    def __init__(
        self, settings: Settings, kube: Kube, session: aiohttp.ClientSession, now: Callable[[], datetime]
    ) -> None:
        auth = settings.install.gateway.auth
        self._ring = KeyRing(now) if auth.api_keys else None
        self._secret = (
            KeySecret(kube, settings.own_namespace, auth.api_keys_secret_name, self._ring) if self._ring else None
        )
        tokens = BearerTokens(auth.oidc, IssuerKeys(session, auth.oidc.issuer)) if auth.tokens else None
        self.callers = KnownCallers(self._ring, tokens) if self._ring or tokens else Anybody()

    async def run(self) -> None:
        """Keep up to date until cancelled."""
        if self._secret is not None:
            await self._secret.run()
        else:
            await asyncio.Event().wait()

    def waiting_for(self) -> Sequence[str]:
        """What has not been read yet."""
        return self._secret.waiting_for() if self._secret else ()

    def close(self) -> None:
        """Check nobody any more."""
        if self._ring is not None:
            self._ring.close()
