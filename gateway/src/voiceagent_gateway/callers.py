"""Who asks: by the Authorization header, or nobody in particular where the install lets anybody in."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from voiceagent_gateway.bearer_tokens import BearerTokens
from voiceagent_gateway.identity import ANYBODY, Identity
from voiceagent_gateway.key_ring import KeyRing
from voiceagent_gateway.problems import ProblemError

KEY_PREFIX: Final = "va_"
REALM: Final = 'Bearer realm="voiceagents"'

Allow = Callable[[], Awaitable[None]]
"""Asked before something costly is done for an unknown caller; may raise a problem."""


class Callers(Protocol):
    """Knows callers."""

    async def identify(self, authorization: str | None, allow: Allow) -> Identity:
        """The caller with this Authorization header. Raises a 401 problem for nobody."""
        ...


class Anybody:
    """Asks nobody."""

    async def identify(self, authorization: str | None, allow: Allow) -> Identity:
        return ANYBODY


class KnownCallers:
    """Takes API keys, tokens of an OIDC issuer, or both."""

    def __init__(self, keys: KeyRing | None, tokens: BearerTokens | None) -> None:
        self._keys = keys
        self._tokens = tokens

    async def identify(self, authorization: str | None, allow: Allow) -> Identity:
        scheme, _, credential = (authorization or "").strip().partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential:
            raise self._unauthorized("Say who you are: this gateway wants", error=None)
        found: Identity | None = None
        if credential.startswith(KEY_PREFIX):
            found = await self._keys.identify(credential, allow) if self._keys else None
        elif self._tokens:
            found = await self._tokens.identify(credential)
        if found is None:
            # The same words for a wrong, an expired and an unknown one: which it is helps only those who try.
            raise self._unauthorized("What you sent is not valid, or not any more; send", error="invalid_token")
        return found

    def _unauthorized(self, sentence: str, error: str | None) -> ProblemError:
        forms = [
            *(["an API key (va_NAME_…)"] if self._keys else []),
            *(["a token of its OIDC issuer"] if self._tokens else []),
        ]
        challenge = REALM if error is None else f'{REALM}, error="{error}"'
        return ProblemError(
            401,
            "unauthorized",
            "Who are you?",
            f"{sentence} {' or '.join(forms)} in the header Authorization: Bearer ….",
            headers={"WWW-Authenticate": challenge},
        )
