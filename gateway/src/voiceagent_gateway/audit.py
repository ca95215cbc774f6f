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


class DirectRoute(AuditedRoute):
    """One whose endpoint takes the request and nothing else, and is called without further ado.

    FastAPI takes longer to find out what an endpoint wants, and to check what it returns, than a token takes to be
    made. What such an endpoint reads is said in its `openapi_extra`.
    """

    def _handler(self) -> Handler:
        endpoint: Handler = self.endpoint
        return endpoint


def note(request: Request, **facts: str | None) -> None:
    """Have the request's line say this too."""
    known = getattr(request.state, "audit", {})
    request.state.audit = {**known, **{key: value for key, value in facts.items() if value is not None}}


def _tell(request: Request, outcome: str) -> None:
    caller = getattr(request.state, "caller", None)
    facts = {
        "who": caller.name if caller else "unknown",
        "address": address_of(request),
        **getattr(request.state, "audit", {}),
        "outcome": outcome,
    }
    audit.info("token given" if outcome == "given" else "token refused", extra=facts)
