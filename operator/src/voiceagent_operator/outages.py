"""Something that other programs owe: asked again after ever longer pauses while it fails, and told of once."""

import logging
from collections.abc import Mapping
from typing import Any, Final

logger = logging.getLogger(__name__)

FIRST_SECONDS: Final = 2.0
LONGEST_SECONDS: Final = 60.0


class Outage:
    """One thing that may fail. Its beginning is a warning in the log, its end a line of information."""

    def __init__(self, what: str, first_seconds: float = FIRST_SECONDS, **about: Any) -> None:
        """`what` says what cannot be done, `about` whom that concerns."""
        self._first_seconds = first_seconds
        self._what = what
        self._about: Mapping[str, Any] = about
        self._failures = 0

    def failed(self, error: Exception) -> float:
        """It failed again; returns after how many seconds to try it again."""
        self._failures += 1
        if self._failures == 1:
            logger.warning(self._what, extra={**self._about, "error": str(error) or type(error).__name__})
        return float(min(LONGEST_SECONDS, self._first_seconds * 2.0 ** min(self._failures - 1, 10)))

    def over(self) -> None:
        """It went well."""
        if self._failures:
            logger.info("over: " + self._what, extra={**self._about, "failures": self._failures})
        self._failures = 0
