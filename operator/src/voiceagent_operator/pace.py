"""Not more often than so: when something was last done for a key."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Pace(Generic[K]):
    """Remembers when something was done, by a clock that never goes back."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last: dict[K, float] = {}

    def wait_seconds(self, key: K) -> float:
        """For how long it should not be done again yet."""
        last = self._last.get(key)
        return 0.0 if last is None else max(0.0, last + self._seconds - self._clock())

    def done(self, key: K) -> None:
        """It was done now."""
        self._last[key] = self._clock()

    def forget(self, key: K) -> None:
        """The key is gone."""
        self._last.pop(key, None)
