"""Callers that hold calls at once for a while, and what became of their calls.

The language model answers from a script meanwhile, so that it takes no time from what is measured.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from voiceagent_caller import Call, CallFailed, CallOptions
from voiceagent_caller.audio import Clip
from voiceagent_caller.speech import Speech

QUESTION = "Are you open on Saturday?"
ANSWER = "Yes, we are open on Saturday from nine to one."
SCRIPT_SECONDS = 30
LAST_TURN_SECONDS = 240


@dataclass(frozen=True)
class HeldTurn:
    """A question of one of the callers; `silence_seconds` is None where no answer came."""

    asked_at: float
    silence_seconds: float | None


@dataclass(frozen=True)
class HeldCall:
    """One caller's call; `trouble` says why it broke off, and is None where the caller hung up."""

    turns: tuple[HeldTurn, ...]
    trouble: str | None = None


@dataclass(frozen=True)
class Summary:
    """What became of all calls; times are of the turns asked within the asked-for span."""

    calls: int
    dropped: int
    turns: int
    unanswered: int
    p95_silence_seconds: float | None


def summarise(calls: Sequence[HeldCall], since: float = -math.inf, until: float = math.inf) -> Summary:
    """Of the turns asked from `since` to before `until` (monotonic clock), and of all the calls. Pure."""
    turns = [turn for call in calls for turn in call.turns if since <= turn.asked_at < until]
    silences = sorted(turn.silence_seconds for turn in turns if turn.silence_seconds is not None)
    return Summary(
        calls=len(calls),
        dropped=sum(call.trouble is not None for call in calls),
        turns=len(turns),
        unanswered=len(turns) - len(silences),
        p95_silence_seconds=silences[math.ceil(0.95 * len(silences)) - 1] if silences else None,
    )


@dataclass
class Fleet:
    """The callers while they talk; `calls` is complete once the block of `callers` has been left."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[HeldCall] = field(default_factory=list)


@asynccontextmanager
async def callers(count: int, options: CallOptions) -> AsyncIterator[Fleet]:
    """`count` calls, each greeted before the block starts or dropped; at its end each finishes its turn."""
    fleet = Fleet()
    greeted = [asyncio.Event() for _ in range(count)]
    async with httpx.AsyncClient(base_url=options.speech, timeout=SCRIPT_SECONDS) as web:
        async with Speech(options.speech, options.voice) as speech:
            clip = await speech.synthesise(QUESTION)
        (await web.put("/sandbox/script", json={"replies": [{"say": ANSWER}]})).raise_for_status()
        tasks = [asyncio.create_task(_hold(options, clip, fleet, ready)) for ready in greeted]
        try:
            async with asyncio.timeout(LAST_TURN_SECONDS):
                await asyncio.gather(*(ready.wait() for ready in greeted))
            yield fleet
            fleet.stop.set()
            async with asyncio.timeout(LAST_TURN_SECONDS):
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            (await web.delete("/sandbox/script")).raise_for_status()


async def _hold(options: CallOptions, clip: Clip, fleet: Fleet, ready: asyncio.Event) -> None:
    """Ask again and again until told to stop. A question without an answer ends the call as a dropped one."""
    turns: list[HeldTurn] = []
    trouble: str | None = None
    asked_at: float | None = None
    try:
        async with Call(options) as call:
            await call.listen()
            ready.set()
            while not fleet.stop.is_set():
                asked_at = time.monotonic()
                await call.say(clip)
                reply = await call.listen()
                turns.append(HeldTurn(asked_at, reply.silence_seconds))
                asked_at = None
    except CallFailed as failure:
        trouble = str(failure)
        if asked_at is not None:
            turns.append(HeldTurn(asked_at, None))
    finally:
        ready.set()
        fleet.calls.append(HeldCall(tuple(turns), trouble))
