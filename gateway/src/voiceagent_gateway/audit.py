"""What the log's line for each request for a token says: who asked, for which agent and room, from where, what came of
it.

Never a key or a token. What a caller wrote is shown only as far as it was checked.
"""

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import Scope

from voiceagent_gateway.addresses import UNKNOWN
from voiceagent_gateway.gate import CALLER
from voiceagent_gateway.problems import ProblemError

GIVEN: Final = "given"
_FACTS: Final = "audit"
_OUTCOME: Final = "audit outcome"
audit = logging.getLogger("voiceagent_gateway.audit")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class AuditedRoute(APIRoute):
    """A route whose requests are told of, given or refused."""

    def get_route_handler(self) -> Handler:
        handle = self._handler()

        async def audited(request: Request) -> Response:
            outcome = "internal-error"
            try:
                answer = await handle(request)
                outcome = GIVEN
                return answer
            except ProblemError as problem:
                outcome = problem.name
                raise
            except RequestValidationError:
                outcome = "invalid-request"
                raise
            finally:
                request.scope.setdefault("state", {})[_OUTCOME] = outcome

        return audited

    def _handler(self) -> Handler:
        return super().get_route_handler()


def note(request: Request, **facts: str | None) -> None:
    """Have the request's line say this too."""
    noted: dict[str, str] = request.scope.setdefault("state", {}).setdefault(_FACTS, {})
    for key, value in facts.items():
        if value is not None:
            noted[key] = value


def audited(scope: Scope, address: str | None) -> dict[str, Any] | None:
    """What the line says of the answered request, its message (`msg`) among it; None for another's request."""
    state: dict[str, Any] = scope.get("state") or {}
    outcome = state.get(_OUTCOME)
    if outcome is None:
        return None
    caller = state.get(CALLER)
    return {
        "msg": "token given" if outcome == GIVEN else "token refused",
        "who": caller.name if caller else "unknown",
        "address": address or UNKNOWN,
        **state.get(_FACTS, {}),
        "outcome": outcome,
    }
