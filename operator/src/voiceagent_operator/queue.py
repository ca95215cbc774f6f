"""Which VoiceAgent next: a queue in which a key is at most once, and is worked on by one worker at a time.

It is bounded by nature: many events for a key are one entry, so that it never holds more than there are
VoiceAgents. A key that fails comes back after a growing, scattered delay; a new event brings it back at once.
`Schedule` is the pure part, with the time handed in.
"""

import asyncio
import heapq
import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after the n-th failure in a row."""

    first_seconds: float = 0.2
    longest_seconds: float = 60.0

    def delay_seconds(self, failures: int, scatter: float) -> float:
        """Doubling, between half and the whole of it by `scatter` (0 to 1), so that keys don't return at once."""
        exponent = min(max(failures - 1, 0), 30)
        return min(self.longest_seconds, self.first_seconds * 2.0**exponent) * (0.5 + scatter / 2)


class Schedule(Generic[K]):
    """Which keys wait, until when, and which are being worked on."""

    def __init__(self) -> None:
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._running: set[K] = set()
        self._failures: dict[K, int] = {}
        self._entries = 0

    def add(self, key: K, due: float) -> None:
        """Have a key worked on at a time, or earlier if it already waits for an earlier one."""
        known = self._due.get(key)
        if known is not None and known <= due:
            return
        self._due[key] = due
        if key not in self._running:
            self._push(key, due)

    def take(self, now: float) -> K | None:
        """The key that has been due the longest, now being worked on."""
        due = self.next_due()
        if due is None or due > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._due[key]
        self._running.add(key)
        return key

    def finish(self, key: K) -> None:
        """Work on a key has ended; it may be taken again if it was added in the meantime."""
        self._running.remove(key)
        if key in self._due:
            self._push(key, self._due[key])

    def fail(self, key: K) -> int:
        """Count a failure; returns how many in a row."""
        self._failures[key] = self._failures.get(key, 0) + 1
        return self._failures[key]

    def succeed(self, key: K) -> None:
        """Forget a key's failures."""
        self._failures.pop(key, None)

    def forget_lateness(self, now: float) -> None:
        """What has been due until now counts as due from now on."""
        late = sorted(
            ((due, key) for key, due in self._due.items() if due < now and key not in self._running),
            key=lambda entry: entry[0],
        )
        self._heap = [entry for entry in self._heap if entry[0] >= now]
        heapq.heapify(self._heap)
        for _, key in late:
            self._due[key] = now
            self._push(key, now)

    def next_due(self) -> float | None:
        """When the next key may be taken."""
        while self._heap:
            due, _, key = self._heap[0]
            if key not in self._running and self._due.get(key) == due:
                return due
            heapq.heappop(self._heap)
        return None

    @property
    def waiting(self) -> frozenset[K]:
        """Keys that wait, also those that wait for the work on them to end."""
        return frozenset(self._due)

    @property
    def running(self) -> frozenset[K]:
        """Keys that are being worked on."""
        return frozenset(self._running)

    def _push(self, key: K, due: float) -> None:
        self._entries += 1
        heapq.heappush(self._heap, (due, self._entries, key))


class WorkQueue(Generic[K]):
    """The queue that handlers fill and workers empty."""

    def __init__(self, clock: Callable[[], float], backoff: Backoff | None = None) -> None:
        self._clock = clock
        self._backoff = backoff or Backoff()
        self._schedule: Schedule[K] = Schedule()
        self._changed = asyncio.Event()

    def add(self, key: K, delay_seconds: float = 0.0) -> None:
        """Have a key worked on, now or later."""
        self._schedule.add(key, self._clock() + delay_seconds)
        self._changed.set()

    def start_waiting_now(self) -> None:
        """Nobody worked until now: keys have waited from now on."""
        self._schedule.forget_lateness(self._clock())
        self._changed.set()

    async def take(self) -> K:
        """Wait for a key that is due."""
        while True:
            now = self._clock()
            key = self._schedule.take(now)
            if key is not None:
                return key
            due = self._schedule.next_due()
            self._changed.clear()
            try:
                async with asyncio.timeout(None if due is None else due - now):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def finish(self, key: K, look_again_seconds: float | None = None) -> None:
        """The work on a key went well."""
        self._schedule.succeed(key)
        if look_again_seconds is not None:
            self._schedule.add(key, self._clock() + look_again_seconds)
        self._end(key)

    def retry(self, key: K) -> float:
        """The work on a key failed; returns after how many seconds it is tried again."""
        failures = self._schedule.fail(key)
        delay = self._backoff.delay_seconds(failures, random.random())  # noqa: S311 (scatter, not a secret)
        self._schedule.add(key, self._clock() + delay)
        self._end(key)
        return delay

    def depth(self) -> int:
        """How many keys wait or are being worked on."""
        return len(self._schedule.waiting | self._schedule.running)

    def age_seconds(self) -> float:
        """For how long the longest waiting key has been due."""
        due = self._schedule.next_due()
        return 0.0 if due is None else max(0.0, self._clock() - due)

    def _end(self, key: K) -> None:
        self._schedule.finish(key)
        self._changed.set()
