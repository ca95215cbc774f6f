"""A circuit breaker: what keeps failing is left alone for a while. The clock is handed in.

It may hear what others found. One whose own last call went well, or that is not credulous, takes that for a warning
and not for a verdict: its next failure opens it.
"""

from collections.abc import Callable
from typing import Final

FAILURES: Final = 5
"""So many in a row open it."""
OPEN_SECONDS: Final = 30.0
"""After so long one call may try again."""


class CircuitBreaker:
    """Closed: all pass. Open: none pass. Half-open: one passes, and what becomes of it decides."""

    def __init__(
        self,
        clock: Callable[[], float],
        failures: int = FAILURES,
        open_seconds: float = OPEN_SECONDS,
        *,
        tell: Callable[[bool], None] = lambda _: None,
        credulous: bool = True,
    ) -> None:
        """`clock` tells seconds since any moment and never goes back.

        `tell` gets False whenever this opens and True whenever it closes, by what became of its own calls.
        """
        self._clock = clock
        self._tell = tell
        self._credulous = credulous
        self._went_well = False
        self._most = failures
        self._open_seconds = open_seconds
        self._failures = 0
        self._opened_at: float | None = None
        self._trying = False

    @property
    def is_open(self) -> bool:
        """Something is being left alone, or tried again."""
        return self._opened_at is not None

    def allows(self) -> bool:
        """Whether the next call may go through. Each True must be followed by `succeeded`, `failed` or `gave_up`."""
        if self._opened_at is None:
            return True
        if self._trying or self._clock() - self._opened_at < self._open_seconds:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        """A call went well."""
        was_open = self._opened_at is not None
        self._failures = 0
        self._opened_at = None
        self._trying = False
        self._went_well = True
        if was_open:
            self._tell(True)

    def failed(self) -> None:
        """A call failed or was late."""
        self._failures += 1
        self._went_well = False
        # of calls that were under way together, only the first is news
        news = self._trying or self._opened_at is None
        if self._trying or self._failures >= self._most:
            self._opened_at = self._clock()
            if news:
                self._tell(False)
        self._trying = False

    def gave_up(self) -> None:
        """A call was broken off by others, which says nothing."""
        self._trying = False

    def heard(self, available: bool, seconds_ago: float = 0.0) -> None:
        """What another found, so long ago."""
        if available:
            self._failures = 0
            self._opened_at = None
        elif self._went_well or not self._credulous:
            self._failures = max(self._failures, self._most - 1)
        else:
            self._opened_at = self._clock() - seconds_ago
