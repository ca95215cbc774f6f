"""Who talks where: gives each call to the pod with the fewest, as LiveKit spreads load. Knows no clock and no network.

A caller who finds no place is refused and does not come back: the gateway, which would have such a caller wait, is
not part of the simulation.
"""

import heapq
from collections import deque
from dataclasses import dataclass, field

from busy_day.curve import Call

TOLD_HOURS = 1.0
"""For so long a pod tells of a call that ended."""


@dataclass(slots=True)
class Talk:
    """A call on a pod."""

    number: int
    call: Call


@dataclass(slots=True)
class SimulatedPod:
    """What a worker pod would know of itself."""

    name: str
    capacity: int
    revision: str = ""
    config_revision: str = ""
    registered: bool = False
    draining: bool = False
    leaving: bool = False
    talks: dict[int, Talk] = field(default_factory=dict)
    ended: deque[Talk] = field(default_factory=deque)

    @property
    def takes_calls(self) -> bool:
        """Whether LiveKit may give it a call."""
        return self.registered and not self.draining and not self.leaving


@dataclass(slots=True)
class Exchange:
    """All pods and all callers."""

    capacity: int
    """How many calls a pod takes."""
    pods: dict[str, SimulatedPod] = field(default_factory=dict)
    callers: int = 0
    """People who call or would, had they been given a place."""
    active: int = 0
    answered: int = 0
    refused: int = 0
    cut: int = 0
    """Calls that were on a pod when it was deleted."""
    _ends: list[tuple[float, int, str | None]] = field(default_factory=list)
    _number: int = 0

    def add(self, name: str) -> SimulatedPod:
        """A pod has started; it takes calls once it is registered."""
        return self.pods.setdefault(name, SimulatedPod(name, self.capacity))

    def remove(self, name: str) -> None:
        """A pod is deleted: whatever it has is over."""
        pod = self.pods.pop(name, None)
        if pod is not None:
            pod.leaving = True
            self.cut += len(pod.talks)
            self.active -= len(pod.talks)
            pod.talks.clear()

    def call(self, call: Call) -> str | None:
        """Give a call to a pod; returns which, or None where none has a place."""
        self._end_until(call.at)
        self._number += 1
        self.callers += 1
        chosen = min((pod for pod in self.pods.values() if pod.takes_calls), key=lambda p: len(p.talks), default=None)
        if chosen is None or len(chosen.talks) >= chosen.capacity:
            self.refused += 1
            heapq.heappush(self._ends, (call.until, self._number, None))
            return None
        chosen.talks[self._number] = Talk(self._number, call)
        self.active += 1
        self.answered += 1
        heapq.heappush(self._ends, (call.until, self._number, chosen.name))
        return chosen.name

    def pass_time(self, hour: float) -> None:
        """End what ends until then."""
        self._end_until(hour)
        for pod in self.pods.values():
            while pod.ended and pod.ended[0].call.until < hour - TOLD_HOURS:
                pod.ended.popleft()

    @property
    def serving(self) -> int:
        """Pods that take calls."""
        return sum(pod.takes_calls for pod in self.pods.values())

    def _end_until(self, hour: float) -> None:
        while self._ends and self._ends[0][0] <= hour:
            _, number, name = heapq.heappop(self._ends)
            self.callers -= 1
            pod = self.pods.get(name) if name else None
            talk = pod.talks.pop(number, None) if pod else None
            if pod is not None and talk is not None:
                pod.ended.append(talk)
                self.active -= 1
