"""Errors in two kinds: what a person must change, and what time may heal."""

from typing import Final

from voiceagent_operator.reasons import Problem

UNTYPED: Final = "failed to create typed patch object"
"""What the API server says, with 500, of an applied object with a field that its type does not have."""


class Hindrance(Exception):
    """Nothing may be written for this VoiceAgent until somebody changes something.

    It becomes a condition with this reason and message, and is not retried unless `retry_after_seconds` says so:
    what it waits for may be out of the operator's sight. One that `passes` goes away without anybody's help.
    """

    def __init__(
        self, reason: str, message: str, *, retry_after_seconds: float | None = None, passes: bool = False
    ) -> None:
        super().__init__(message)
        self.problem = Problem(reason, message)
        self.retry_after_seconds = retry_after_seconds
        self.passes = passes


class ApiError(Exception):
    """The API server answered with an error, or did not answer."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}" if status else f"{reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message

    @property
    def refused(self) -> bool:
        """Whether the server understood and said no: sending the same again will not do by itself."""
        return self.status in (400, 403, 413, 422) or (self.status == 500 and UNTYPED in self.message)

    @property
    def gone(self) -> bool:
        """Whether the object is not there."""
        return self.status == 404
