"""Whose turn it is to take in a new default image: a few agents at a time, so that a bad one does not reach all.

An agent keeps its turn until its new pods are there, so that a wave whose agents do not come up ends by itself.
What counts is read from the Deployments again after a restart; here is only who rolls now and who waits.
"""

from collections.abc import Callable

from voiceagent_operator.objects import Key


class Turns:
    """At most so many agents roll at once; the others wait in the order in which they asked."""

    def __init__(self, limit: int, wake: Callable[[Key], None]) -> None:
        self._limit = limit
        self._wake = wake
        self._rolling: dict[Key, bool] = {}
        """Whether its rollout has stopped."""
        self._waiting: dict[Key, None] = {}

    def take(self, key: Key) -> bool:
        """Whether an agent may roll now; if not, it is woken when its turn may have come."""
        if key in self._rolling or len(self._rolling) < self._limit:
            self.occupy(key)
            return True
        self._waiting[key] = None
        return False

    def occupy(self, key: Key, *, stopped: bool = False) -> None:
        """An agent rolls, whether it asked or not; `stopped` where its new pods have not come up in time."""
        was_stuck = self._stuck()
        self._waiting.pop(key, None)
        self._rolling[key] = stopped
        self._wake_who_may_go_on(was_stuck)

    def release(self, key: Key) -> None:
        """An agent rolls no more, or needs no turn."""
        was_stuck = self._stuck()
        self._waiting.pop(key, None)
        self._rolling.pop(key, None)
        self._wake_who_may_go_on(was_stuck)

    def blocker(self) -> Key | None:
        """One of those who have the turns, if they have all stopped: who waits then waits for somebody to act."""
        return min(self._rolling) if self._stuck() else None

    def _stuck(self) -> bool:
        return len(self._rolling) >= self._limit and all(self._rolling.values())

    def _wake_who_may_go_on(self, was_stuck: bool) -> None:
        """Those whose turn may have come; all who wait, where another reason is to be told."""
        if not self._waiting:
            return
        free = len(self._waiting) if was_stuck != self._stuck() else max(0, self._limit - len(self._rolling))
        for waiting in list(self._waiting)[:free]:
            self._wake(waiting)
