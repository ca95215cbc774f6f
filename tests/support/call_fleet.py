"""Several calls held at once, each turn of each written down: what a change of the agent did to those who talk.

The speech server answers by a script meanwhile, since two cores cannot run the models of six calls: what is heard is
not recognised, and the one reply is spoken once and played again. Everything else is real.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from on_sandbox import ADDRESS
from voiceagent_caller import Call, CallFailed, CallOptions, Clip, Speech

QUESTION = "Are you open on Saturday?"
ANSWER = "Yes, we are, until noon."
SCRIPT = {"replies": [{"say": ANSWER}], "hears": QUESTION, "keep_voice": True}
PAUSE_SECONDS = 1.0
PATIENCE_SECONDS = 180.0


@dataclass(frozen=True)
class Turn:
    """The caller spoke; `seconds` until the first sound of the answer, None where none came."""

    caller: int
    asked_at: float
    seconds: float | None
    agent: str | None
    """The participant that answered."""
    trouble: str = ""


@dataclass(frozen=True)
class Report:
    """What became of the calls in a stretch of time."""

    turns: int
    unanswered: tuple[str, ...]
    dropped: tuple[str, ...]
    """Calls that broke off, or whose agent was replaced, with why."""
    p95_seconds: float

    def __str__(self) -> str:
        wrong = [*self.unanswered, *self.dropped]
        return f"{self.turns} turns, p95 {self.p95_seconds:.2f} s" + (f", {'; '.join(wrong)}" if wrong else "")


def summarise(turns: Sequence[Turn], broken: Sequence[tuple[int, str]]) -> Report:
    """The report on some turns, and on the calls that broke off meanwhile."""
    agents: dict[int, set[str]] = {}
    for turn in turns:
        if turn.agent:
            agents.setdefault(turn.caller, set()).add(turn.agent)
    replaced = tuple(f"caller {caller} got another agent" for caller, seen in agents.items() if len(seen) > 1)
    waits = [turn.seconds for turn in turns if turn.seconds is not None]
    return Report(
        turns=len(turns),
        unanswered=tuple(f"caller {turn.caller}: {turn.trouble}" for turn in turns if turn.seconds is None),
        dropped=(*(f"caller {caller}: {why}" for caller, why in broken), *replaced),
        p95_seconds=percentile(waits, 0.95),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """By linear interpolation; 0 where there are none."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


@dataclass
class CallFleet:
    """Callers who go on talking until they are told to hang up."""

    options: CallOptions
    clip: Clip
    callers: int
    turns: list[Turn] = field(default_factory=list)
    broken: list[tuple[float, int, str]] = field(default_factory=list)
    calls: dict[int, Call] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def talk(self, turns_each: int) -> None:
        """Wait until every caller has had so many more turns. Fails where they don't come to it."""
        goal = {caller: self._count(caller) + turns_each for caller in range(self.callers)}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while any(self._count(caller) < turns for caller, turns in goal.items() if caller in self.calls):
                await asyncio.sleep(0.2)

    def report(self, since: float, until: float | None = None) -> Report:
        """What became of the calls between two times of the monotonic clock."""
        end = time.monotonic() if until is None else until
        return summarise(
            [turn for turn in self.turns if since <= turn.asked_at < end],
            [(caller, why) for at, caller, why in self.broken if since <= at < end],
        )

    async def start(self) -> None:
        """All callers join, and hear the greeting."""
        joined = [asyncio.Event() for _ in range(self.callers)]
        for caller, event in enumerate(joined):
            self._tasks.append(asyncio.create_task(self._call(caller, event)))
        async with asyncio.timeout(PATIENCE_SECONDS):
            for event in joined:
                await event.wait()

    async def end(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Everyone hangs up after the turn that they are in, or in the midst of it when that takes too long."""
        self._stop.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _count(self, caller: int) -> int:
        return sum(turn.caller == caller for turn in self.turns)

    async def _call(self, caller: int, joined: asyncio.Event) -> None:
        await asyncio.sleep(caller * 0.5)  # so that they don't all speak at once
        try:
            async with Call(self.options) as call:
                self.calls[caller] = call
                await call.listen()
                joined.set()
                while not self._stop.is_set():
                    self.turns.append(await self._turn(caller, call))
                    await asyncio.sleep(PAUSE_SECONDS)
        except CallFailed as failure:
            self.broken.append((time.monotonic(), caller, str(failure)))
        finally:
            joined.set()
            self.calls.pop(caller, None)

    async def _turn(self, caller: int, call: Call) -> Turn:
        asked_at, agent = time.monotonic(), call.agent_identity
        try:
            await call.say(self.clip)
            reply = await call.listen()
        except CallFailed as failure:
            if agent is not None and call.agent_identity != agent:
                raise
            return Turn(caller, asked_at, None, agent, str(failure))
        return Turn(caller, asked_at, reply.silence_seconds, call.agent_identity)


@asynccontextmanager
async def calls_on(agent: str, callers: int) -> AsyncIterator[CallFleet]:
    """So many calls to an agent of the sandbox, with the speech server's script in force meanwhile."""
    async with Speech(ADDRESS, "alloy") as speech:
        clip = await speech.synthesise(QUESTION)
    async with httpx.AsyncClient(base_url=ADDRESS, timeout=30) as web:
        (await web.put("/sandbox/script", json=SCRIPT)).raise_for_status()
        fleet = CallFleet(CallOptions(gateway=ADDRESS, speech=ADDRESS, agent=agent), clip, callers)
        try:
            await fleet.start()
            yield fleet
        finally:
            await fleet.end()
            await web.delete("/sandbox/script")
