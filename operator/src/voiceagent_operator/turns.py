"""Whose turn it is to take in a new default image: a few agents at a time, so that a bad one does not reach all.

What counts is read from the Deployments again after a restart; here is only who rolls now and who waits.
"""

from collections.abc import Callable

from voiceagent_operator.objects import Key


class Turns:
    """At most so many agents roll at once; the others wait in the order in which they asked."""

    def __init__(self, limit: int, wake: Callable[[Key], None]) -> None:
        self._limit = limit
        self._wake = wake
        self._rolling: set[Key] = set()
        self._waiting: dict[Key, None] = {}

    def take(self, key: Key) -> bool:
        """Whether an agent may roll now; if not, it is woken when its turn may have come."""
        if key in self._rolling or len(self._rolling) < self._limit:
            self.occupy(key)
            return True
        self._waiting[key] = None
        return False

    def occupy(self, key: Key) -> None:
        """An agent rolls, whether it asked or not."""
        self._waiting.pop(key, None)
        self._rolling.add(key)

    def release(self, key: Key) -> None:
        """An agent rolls no more, or needs no turn."""
        self._waiting.pop(key, None)
        if key in self._rolling:
            self._rolling.discard(key)
            for waiting in list(self._waiting)[: self._limit - len(self._rolling)]:
                self._wake(waiting)
