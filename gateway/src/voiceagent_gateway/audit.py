"""One line in the log for each request for a token: who asked, for which agent and room, from where, what came of it.

Never a key or a token. What a caller wrote is shown only as far as it was checked.
"""

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from voiceagent_gateway.gate import address_of
from voiceagent_gateway.problems import ProblemError

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
                outcome = "given"
                return answer
            except ProblemError as problem:
                outcome = problem.name
                raise
            except RequestValidationError:
                outcome = "invalid-request"
                raise
            finally:
                _tell(request, outcome)

        return audited

    def _handler(self) -> Handler:
        return super().get_route_handler()


def note(request: Request, **facts: str | None) -> None:
    """Have the request's line say this too."""
    _facts(request).update({key: value for key, value in facts.items() if value is not None})


def _tell(request: Request, outcome: str) -> None:
    caller = getattr(request.state, "caller", None)
    facts = {
        "who": caller.name if caller else "unknown",
        "address": address_of(request),
        **_facts(request),
        "outcome": outcome,
    }
    audit.info("token given" if outcome == "given" else "token refused", extra=facts)


def _facts(request: Request) -> dict[str, str]:
    facts: dict[str, str] = request.scope.setdefault("state", {}).setdefault("audit", {})
    return facts
