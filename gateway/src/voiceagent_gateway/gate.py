"""What every guarded route asks first: who calls, how often, and whether that one may."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from voiceagent_api.gateway_settings import GatewaySettings, RateLimits

from voiceagent_gateway.addresses import UNKNOWN, limited_as
from voiceagent_gateway.callers import Anybody, Callers
from voiceagent_gateway.headers import header
from voiceagent_gateway.identity import Identity
from voiceagent_gateway.problems import MEDIA_TYPE, ProblemDocument, ProblemError
from voiceagent_gateway.rate_limits import Buckets, MemoryBuckets, RateLimit

CALLER: Final = "caller"
"""Where the request's state has who asks."""
_BEARER: Final = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="An API key (va_NAME_…), or a token of the OIDC issuer."
)
_TEXTS: Final = {
    401: "It is not known who asks.",
    403: "The caller may not do this, or the page's site may not ask.",
    429: "Too many requests.",
}
GATE_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ProblemDocument, "description": text, "content": {MEDIA_TYPE: {}}}
    for status, text in _TEXTS.items()
}
"""What a guarded route may answer, for its OpenAPI document."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How often anybody may ask."""

    address: RateLimit
    caller: RateLimit
    unknown_key: RateLimit


def limits_of(settings: RateLimits, buckets: Buckets, on_refused: Callable[[str], None] = lambda kind: None) -> Limits:
    """The limits of the settings. `on_refused` is told the kind of limit for each request that is too many."""
    return Limits(
        RateLimit("address", settings.address_per_minute, buckets, on_refused),
        RateLimit("caller", settings.caller_per_minute, buckets, on_refused),
        RateLimit("address with unknown keys", settings.unknown_keys_per_minute, buckets, on_refused),
    )


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets callers in."""

    callers: Callers = field(default_factory=Anybody)
    limits: Limits = field(default_factory=lambda: limits_of(RateLimits(), MemoryBuckets()))

    async def identify(self, request: Request) -> Identity:
        """Who asks. Raises a 401 problem."""
        address = limited_as(address_of(request))

        async def allow() -> None:
            await self.limits.unknown_key.take(address)

        identity = await self.callers.identify(header(request.scope, b"authorization"), allow)
        request.scope.setdefault("state", {})[CALLER] = identity
        return identity

    async def admit(self, request: Request) -> Identity:
        """Who asks for a token. Raises a 429 problem for one who asks too often."""
        await self.limits.address.take(limited_as(address_of(request)))
        identity = await self.identify(request)
        if not isinstance(self.callers, Anybody):
            await self.limits.caller.take(identity.name)
        return identity


def address_of(request: Request) -> str:
    """Where the request comes from."""
    client = request.scope.get("client")
    return client[0] if client else UNKNOWN


def dependency(check: Callable[[Request], Awaitable[Identity]], settings: GatewaySettings) -> Any:
    """A check as routes declare it; the OpenAPI document says so where callers have to say who they are."""
    if settings.auth.mode == "none":

        async def anybody(request: Request) -> Identity:
            return await check(request)

        return Depends(anybody)

    async def known(request: Request, _: Annotated[Any, Security(_BEARER)] = None) -> Identity:
        return await check(request)

    return Depends(known)


def security(settings: GatewaySettings) -> dict[str, Any]:
    """What the OpenAPI document says of a route that asks the gate itself."""
    return {} if settings.auth.mode == "none" else {"security": [{_BEARER.scheme_name: []}]}


def forbidden(identity: Identity, denial: str) -> ProblemError:
    """The 403 problem for what the caller may not."""
    kind, _, name = identity.name.partition(":")
    who = f'API key "{name}"' if kind == "key" else f'"{name}"' if name else "The caller"
    return ProblemError(403, "not-allowed", "This is not allowed", f"{who} {denial}.")


def require_metrics(identity: Identity) -> None:
    """Raise a 403 problem unless the caller may read metrics."""
    if not identity.metrics:
        raise forbidden(identity, "may not read metrics; metrics: true in its scope would let it")
