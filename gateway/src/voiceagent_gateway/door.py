"""Lets in as many callers as there are places: a token is a promise that somebody will answer.

Where all places are taken and the operator can make more, callers wait in a line, the first first, for a bounded
time; one task an agent looks for places for the whole line.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from voiceagent_gateway.demand import Demand
from voiceagent_gateway.model import AgentRef, PastSession, PodRef, PodView
from voiceagent_gateway.places import count_places
from voiceagent_gateway.problems import ProblemError
from voiceagent_gateway.refusals import can_grow, off_by_hand, refusal, suspended, too_many
from voiceagent_gateway.reservations import Claim, Outcome, Reservations

LOOK_SECONDS: Final = 0.5
GONE_LOOK_SECONDS: Final = 1.0

Gone = Callable[[], Awaitable[bool]]
"""Whether the caller went away."""


class Fleet(Protocol):
    """What there is, as the API server tells."""

    def agents(self) -> Sequence[AgentRef]: ...

    def pods(self) -> Sequence[PodRef]: ...


class Readings(Protocol):
    """What pods say of themselves."""

    async def read(self, pods: Sequence[PodRef]) -> Sequence[PodView]: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How long callers wait, and how many."""

    hold_seconds: float
    """For how long a token holds its place."""
    wait_seconds: float
    waiting_max: int


@dataclass(eq=False, slots=True)
class _Waiter:
    room: str
    admitted: asyncio.Future[None]


@dataclass(slots=True)
class _Line:
    latest: ProblemError
    """Why nobody was let in when that was last looked at."""
    waiters: list[_Waiter] = field(default_factory=list)
    server: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class _Refused:
    problem: ProblemError
    wait: bool
    promised: int


class Door:
    """Decides who gets a token. What it lets in holds a place until the call is seen or the token is over."""

    def __init__(
        self,
        fleet: Fleet,
        readings: Readings,
        reservations: Reservations,
        demand: Demand,
        limits: Limits,
        past: Callable[[], Iterable[PastSession]] = tuple,
        beyond_budget: Callable[[AgentRef], ProblemError | None] = lambda _: None,
    ) -> None:
        self._fleet = fleet
        self._readings = readings
        self._reservations = reservations
        self._demand = demand
        self._limits = limits
        self._past = past
        self._beyond_budget = beyond_budget
        self._lines: dict[str, _Line] = {}

    async def admit(self, agent: AgentRef, room: str, gone: Gone) -> None:
        """Return once a place is held for the room's call. Raises a problem that says when to ask again."""
        tried = await self._try(agent, room, behind_others=agent.reference in self._lines)
        if isinstance(tried, Outcome):
            return
        if not tried.wait or self._limits.wait_seconds <= 0:
            raise tried.problem
        await self._wait(agent, self._lines.setdefault(agent.reference, _Line(tried.problem)), room, gone)

    async def close(self) -> None:
        """Send away whoever waits."""
        servers = [line.server for line in self._lines.values() if line.server is not None]
        for server in servers:
            server.cancel()
        await asyncio.gather(*servers, return_exceptions=True)
        await self._demand.close()

    async def _try(self, agent: AgentRef, room: str, *, behind_others: bool = False) -> _Refused | Outcome:
        """Hold a place if there is one; behind others only a room that has its place already is let in."""
        pods = [pod for pod in self._fleet.pods() if (pod.namespace, pod.agent) == (agent.namespace, agent.name)]
        views = await self._readings.read(pods)
        past = (it for it in self._past() if (it.pod.namespace, it.pod.agent) == (agent.namespace, agent.name))
        places = count_places(agent, views, past)
        held = await self._reservations.held(agent.reference)
        # Who has a place already keeps it, also beyond the budget: a call that runs is not cut.
        no_more = self._beyond_budget(agent)
        claim = Claim(
            room,
            self._limits.hold_seconds,
            0 if behind_others or no_more else places.free,
            running=places.running & {*held, room},
            joined=places.joined_since(held),
        )
        answer = await self._reservations.take(agent.reference, claim)
        if answer.outcome is not Outcome.FULL:
            return answer.outcome
        if no_more:
            return _Refused(no_more, wait=False, promised=answer.promised)
        for_the_line = behind_others and (places.free is None or answer.promised < places.free)
        return _Refused(refusal(agent, places), for_the_line or can_grow(agent, places), answer.promised)

    async def _wait(self, agent: AgentRef, line: _Line, room: str, gone: Gone) -> None:
        if len(line.waiters) >= self._limits.waiting_max:
            raise too_many(agent, self._limits.waiting_max)
        loop = asyncio.get_running_loop()
        waiter = _Waiter(room, loop.create_future())
        line.waiters.append(waiter)
        if line.server is None:
            line.server = asyncio.create_task(self._serve(agent, line), name=f"line for {agent.reference}")
        end = loop.time() + self._limits.wait_seconds
        try:
            while not waiter.admitted.done():
                left = end - loop.time()
                await asyncio.wait({waiter.admitted}, timeout=max(0.0, min(left, GONE_LOOK_SECONDS)))
                if not waiter.admitted.done() and (left <= 0 or await gone()) and not waiter.admitted.done():
                    raise line.latest
            waiter.admitted.result()
        finally:
            if waiter in line.waiters:
                line.waiters.remove(waiter)

    async def _serve(self, agent: AgentRef, line: _Line) -> None:
        """Let the line in, the first first, until it is empty."""
        try:
            while line.waiters:
                refused = await self._serve_first(self._current(agent), line)
                if refused is None:
                    continue
                line.latest = refused.problem
                if not refused.wait:
                    break
                self._demand.wait(agent.reference, len(line.waiters), refused.promised)
                await asyncio.sleep(LOOK_SECONDS)
        except ProblemError as problem:
            line.latest = problem
        finally:
            self._demand.wait(agent.reference, 0)
            del self._lines[agent.reference]
            for waiter in line.waiters:
                waiter.admitted.set_exception(line.latest)

    async def _serve_first(self, agent: AgentRef, line: _Line) -> _Refused | None:
        first = line.waiters[0]
        tried = await self._try(agent, first.room)
        if isinstance(tried, _Refused):
            return tried
        if first in line.waiters:
            line.waiters.remove(first)
            first.admitted.set_result(None)
        elif tried is Outcome.NEW:
            # The caller left while the place was being found: it is the next one's.
            await self._reservations.release(agent.reference, first.room)
        return None

    def _current(self, agent: AgentRef) -> AgentRef:
        """The agent as it is by now. Raises a problem if no call wakes it any more."""
        for current in self._fleet.agents():
            if current.reference == agent.reference:
                if current.suspended:
                    raise suspended(current)
                if current.off_by_hand:
                    raise off_by_hand(current)
                return current
        raise ProblemError(404, "agent-unknown", "No such agent", f"VoiceAgent {agent.reference} was deleted.")
