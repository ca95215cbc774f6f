"""Errors as the caller sees them: RFC 9457 problem documents, the same form for every route."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "tag:voiceagents.dev,2026:problem/"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One part of a request that is wrong: which, and the rule that it breaks."""

    field: str
    rule: str


@dataclass(eq=False)
class ProblemError(Exception):
    """Ends a request with a problem document.

    `name` is the last part of the document's `type`, by which programs tell problems apart; `detail` is for
    people.
    """

    status: int
    name: str
    title: str
    detail: str
    errors: Sequence[FieldError] = ()
    retry_after_seconds: int | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail


class FieldErrorDocument(BaseModel):
    """One part of a request that is wrong."""

    field: str
    rule: str


class ProblemDocument(BaseModel):
    """An RFC 9457 problem."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldErrorDocument] | None = None


def invalid_request(errors: Sequence[FieldError]) -> ProblemError:
    """The 400 problem that names each wrong field and the rule it breaks."""
    detail = "; ".join(f"{error.field} {error.rule}" for error in errors)
    return ProblemError(400, "invalid-request", "The request is not valid", f"{detail}.", errors)


def document(problem: ProblemError, instance: str) -> dict[str, Any]:
    """The problem as JSON. `instance` is the request's path, without its query."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.name,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance,
    }
    if problem.errors:
        body["errors"] = [{"field": error.field, "rule": error.rule} for error in problem.errors]
    return body | dict(problem.extras)


def response(problem: ProblemError, request: Request) -> JSONResponse:
    """The problem as an answer that no cache keeps."""
    headers = {"Cache-Control": "no-store", **problem.headers}
    if problem.retry_after_seconds is not None:
        headers["Retry-After"] = str(problem.retry_after_seconds)
    return JSONResponse(document(problem, request.url.path), problem.status, headers, MEDIA_TYPE)


def field_errors(errors: Sequence[Any], *, skip: int = 0) -> list[FieldError]:
    """pydantic's errors in our form. The first `skip` parts of each location are left out."""
    return [FieldError(_field_name(error, skip), _rule(error)) for error in errors]


def install_handlers(app: FastAPI) -> None:
    """Make every error of the application a problem document."""

    async def on_problem(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, ProblemError):
            raise error
        return response(error, request)

    async def on_validation(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, RequestValidationError):
            raise error
        return response(invalid_request(field_errors(error.errors(), skip=1)), request)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            raise error
        title = HTTPStatus(error.status_code).phrase
        name = title.lower().replace(" ", "-")
        detail = f"{request.method} {request.url.path}: {title.lower()}."
        answer = response(ProblemError(error.status_code, name, title, detail), request)
        for key, value in (error.headers or {}).items():
            answer.headers[key] = value
        if error.status_code == 405 and (allowed := _methods(request)):
            answer.headers["Allow"] = ", ".join(sorted(allowed))
        return answer

    async def on_bug(request: Request, error: Exception) -> JSONResponse:
        log.error("request failed", exc_info=error, extra={"path": request.url.path})
        detail = "The gateway met an error of its own; its log has the details."
        return response(ProblemError(500, "internal-error", "Internal error", detail), request)

    app.add_exception_handler(ProblemError, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_bug)


def _methods(request: Request) -> set[str]:
    """What the documented routes at the request's path can be asked with; each route alone knows only its own."""
    path = getattr(request.scope.get("route"), "path", request.url.path)
    operations = request.app.openapi()["paths"].get(path, {})
    return {method.upper() for method in operations}


def _field_name(error: Mapping[str, Any], skip: int) -> str:
    parts = [*error["loc"][skip:], *([error["ctx"]["part"]] if "part" in error.get("ctx", {}) else [])]
    name = ""
    for part in parts:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name or "body"


def _rule(error: Mapping[str, Any]) -> str:
    message = str(error["msg"]).rstrip(".")
    return message[0].lower() + message[1:]
