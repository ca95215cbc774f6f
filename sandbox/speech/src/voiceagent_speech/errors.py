"""Failures that a client sees, and how each vendor words them.

A plugin decides by status and body whether to retry, so both forms follow the vendors' own.
"""

from __future__ import annotations

from enum import Enum
from typing import Any


class Vendor(Enum):
    OPENAI = "openai"
    DEEPGRAM = "deepgram"


def vendor_of(path: str) -> Vendor:
    """Whose protocol a path belongs to; the paths of the two never meet."""
    return Vendor.DEEPGRAM if path.startswith(("/v1/listen", "/v1/speak")) else Vendor.OPENAI


class ApiError(Exception):
    """A request that is answered with a status and a reason."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after_seconds = retry_after_seconds

    @property
    def headers(self) -> dict[str, str]:
        if self.retry_after_seconds is None:
            return {}
        return {"Retry-After": f"{self.retry_after_seconds:g}"}


class TooBusyError(ApiError):
    """More requests of a kind than the server takes in; waiting helps."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            429,
            f"Too many {kind} requests at once; try again shortly.",
            code="rate_limit_exceeded",
            retry_after_seconds=1,
        )


_OPENAI_TYPES = {401: "invalid_request_error", 429: "requests"}
_DEEPGRAM_CODES = {
    400: "Bad Request",
    401: "INVALID_AUTH",
    402: "ASR_PAYMENT_REQUIRED",
    403: "INSUFFICIENT_PERMISSIONS",
    404: "NOT_FOUND",
    413: "PAYLOAD_TOO_LARGE",
    429: "TOO_MANY_REQUESTS",
    503: "SERVICE_UNAVAILABLE",
}


def openai_body(error: ApiError) -> dict[str, Any]:
    fallback = "server_error" if error.status >= 500 else "invalid_request_error"
    return {
        "error": {
            "message": error.message,
            "type": _OPENAI_TYPES.get(error.status, fallback),
            "param": error.param,
            "code": error.code,
        }
    }


def deepgram_body(error: ApiError, request_id: str) -> dict[str, Any]:
    return {
        "err_code": _DEEPGRAM_CODES.get(error.status, "INTERNAL_SERVER_ERROR"),
        "err_msg": error.message,
        "request_id": request_id,
    }
