"""What the claims of a checked token let its bearer do. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from voiceagent_api.gateway_settings import AgentPattern, ClaimScope, OidcSettings, RoomPattern

from voiceagent_gateway.identity import Identity, Scope

NAME_MAX_LENGTH: Final = 128
PATTERNS_MAX: Final = 100
_AGENTS: Final = TypeAdapter(AgentPattern)
_ROOMS: Final = TypeAdapter(RoomPattern)


def identity_of(claims: Mapping[str, Any], settings: OidcSettings) -> Identity:
    """The caller whose token has these claims."""
    met = [scope for scope in settings.scopes if _has(claims, scope)]
    scopes = [Scope(tuple(scope.agents), tuple(scope.rooms), scope.transcripts) for scope in met if scope.agents]
    if settings.agents_claim and (agents := _patterns(claims.get(settings.agents_claim), _AGENTS)):
        rooms = _patterns(claims.get(settings.rooms_claim), _ROOMS) if settings.rooms_claim else ("*",)
        scopes.append(Scope(agents, rooms))
    name = str(claims.get(settings.name_claim) or claims["sub"])[:NAME_MAX_LENGTH]
    return Identity(
        f"oidc:{name}",
        tuple(scopes),
        metrics=any(scope.metrics for scope in met),
        expires_at=datetime.fromtimestamp(float(claims["exp"]), UTC),
    )


def _has(claims: Mapping[str, Any], scope: ClaimScope) -> bool:
    if not scope.claim:
        return True
    values = _values(claims.get(scope.claim))
    return scope.value in values if scope.value else bool(values)


def _patterns(claim: object, rule: TypeAdapter[str]) -> tuple[str, ...]:
    """The patterns in a claim; what is no pattern lets nobody do anything."""
    patterns = []
    for value in _values(claim)[:PATTERNS_MAX]:
        try:
            patterns.append(rule.validate_python(value))
        except ValidationError:
            continue
    return tuple(patterns)


def _values(claim: object) -> list[str]:
    """A claim's texts: it may be one, several with spaces between (as in scope), or a list."""
    if isinstance(claim, bool):
        return ["true"] if claim else []
    if isinstance(claim, str):
        return claim.split()
    return [value for value in claim if isinstance(value, str)] if isinstance(claim, list) else []
