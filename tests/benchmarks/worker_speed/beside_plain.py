"""The worker beside a plain livekit-agents script: start, memory, a turn's latency, calls at once.

livekit-server, the sandbox's speech server and the callers run on the same machine. The speech server answers by a
script: what is heard is not recognised, the one answer is spoken once and played again. So what is compared is what
the two do themselves.
"""

import asyncio
import itertools
import math
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
from aiohttp import web
from call_fleet import ANSWER, QUESTION, SCRIPT, CallFleet, percentile
from figures import Figure
from livekit import api
from local_livekit import LiveKit, livekit_server
from speech_server import SpeechServer, speech_server
from voiceagent_caller import CallOptions, Clip, Speech
from worker_speed.contestants import GREETING, SETTLE_SECONDS, Contestant, Who, contestant
from worker_speed.saturation import Level, Levels, calls_at, common_p95, missing, saturated

CONTESTANTS: tuple[Who, Who] = ("plain", "worker")
STARTS = 3
CALLS = (2, 4, 6, 8, 10, 12, 14)
"""Calls at once, one level after the other until plain is saturated: two cores are, callers included."""
TURNS, LEAST_TURNS_EACH, MOST_TURNS_EACH = 24, 3, 6
"""Of all calls of a level together, and of one. The first may have begun before the level was full: it is no sample."""
LEVELS_SECONDS = 200.0
"""After which plain begins no further level; all of this then takes less than 12 minutes."""
LEVEL_SECONDS = 45.0
"""For the calls of a level to begin, and again for their turns. What was not said by then counts as unanswered."""
END_SECONDS = 20.0
START_RATIO, MEMORY_RATIO, CALLS_RATIO = 1.2, 1.1, 0.95


async def figures() -> list[Figure]:
    """All of them."""
    with (
        tempfile.TemporaryDirectory() as name,
        livekit_server(folder := Path(name)) as livekit,
        speech_server(folder) as speech,
    ):
        starts, memory = await asyncio.to_thread(_starts, folder, livekit, speech)
        await asyncio.to_thread(_put_script, speech)
        plain = await _calls("plain", folder, livekit, speech, CALLS)
        # the same levels, so that neither rests on a luckier choice
        seen: dict[Who, Levels] = {
            "plain": plain,
            "worker": await _calls("worker", folder, livekit, speech, sorted(plain)),
        }
    return [*_start_figures(starts, memory), *_call_figures(seen)]


def _starts(folder: Path, livekit: LiveKit, speech: SpeechServer) -> tuple[dict[Who, float], dict[Who, float]]:
    """Median seconds from start to registered and MiB when idle, the two in turns."""
    seconds: dict[Who, list[float]] = {who: [] for who in CONTESTANTS}
    memory: dict[Who, list[float]] = {who: [] for who in CONTESTANTS}
    for number in range(STARTS):
        for who in CONTESTANTS:
            with contestant(who, folder / f"start-{who}-{number}", livekit, speech.url) as running:
                seconds[who].append(running.until_registered())
                time.sleep(SETTLE_SECONDS)
                memory[who].append(running.memory())
    return (
        {who: statistics.median(seconds[who]) for who in CONTESTANTS},
        {who: statistics.median(memory[who]) for who in CONTESTANTS},
    )


def _put_script(speech: SpeechServer) -> None:
    httpx.put(f"{speech.url}/sandbox/script", json=SCRIPT, timeout=10).raise_for_status()


async def _calls(
    who: Who, folder: Path, livekit: LiveKit, speech: SpeechServer, calls_at_once: Sequence[int]
) -> dict[int, Level]:
    async with Speech(speech.url, "alloy") as voice:
        clip = await voice.synthesise(QUESTION)
        for sentence in (ANSWER, GREETING):
            await voice.synthesise(sentence)
    levels: dict[int, Level] = {}
    with contestant(who, folder / f"calls-{who}", livekit, speech.url) as running:
        await asyncio.to_thread(running.until_registered)
        await asyncio.sleep(SETTLE_SECONDS)
        async with _gateway(livekit, running.agent_name) as gateway:
            options = CallOptions(gateway=gateway, speech=speech.url, agent=f"bench/{who}")
            await _level(running, options, clip, 1, 1)  # what is done once, is done
            began = time.monotonic()
            for calls in calls_at_once:
                turns = max(LEAST_TURNS_EACH, min(MOST_TURNS_EACH, math.ceil(TURNS / calls)))
                levels[calls] = await _level(running, options, clip, calls, turns)
                if who == "plain" and (saturated(levels) or time.monotonic() - began > LEVELS_SECONDS):
                    break
    return levels


async def _level(running: Contestant, options: CallOptions, clip: Clip, calls: int, turns: int) -> Level:
    fleet = CallFleet(options, clip, calls)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(LEVEL_SECONDS):
                await fleet.start()
        since, before = time.monotonic(), running.cpu_seconds()
        had = Counter(turn.caller for turn in fleet.turns)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEVEL_SECONDS):
                await fleet.talk(turns)
        report, used = fleet.report(since), running.cpu_seconds() - before
        waits = [turn.seconds for turn in fleet.turns if turn.seconds is not None and turn.asked_at >= since]
        have = Counter(turn.caller for turn in fleet.turns)
    finally:
        await fleet.end(END_SECONDS)
    return Level(
        p50_seconds=percentile(waits, 0.5),
        p95_seconds=report.p95_seconds,
        cpu_seconds_a_turn=used / max(1, report.turns),
        unanswered=len(report.unanswered) + len(report.dropped) + missing(had, have, calls, turns),
    )


@asynccontextmanager
async def _gateway(livekit: LiveKit, agent_name: str) -> AsyncIterator[str]:
    """As much of a gateway as the callers ask for: a token that brings the agent into its room."""
    numbers = itertools.count()

    async def give_token(_: web.Request) -> web.Response:
        room = f"bench-{agent_name}-{next(numbers)}"
        token = (
            api.AccessToken(livekit.key, livekit.secret)
            .with_identity("caller")
            .with_grants(api.VideoGrants(room_join=True, room=room))
            .with_room_config(api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=agent_name)]))
        )
        return web.json_response({"url": livekit.url, "token": token.to_jwt(), "room": room, "identity": "caller"})

    application = web.Application()
    application.router.add_get("/token", give_token)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        assert site._server is not None
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    finally:
        await runner.cleanup()


def _start_figures(starts: Mapping[Who, float], memory: Mapping[Who, float]) -> list[Figure]:
    return [
        Figure("worker: start to registered", starts["worker"], "s"),
        Figure("plain: start to registered", starts["plain"], "s"),
        Figure("worker to plain: start to registered", starts["worker"] / starts["plain"], "", START_RATIO),
        Figure("worker: memory when idle", memory["worker"], "MiB"),
        Figure("plain: memory when idle", memory["plain"], "MiB"),
        Figure("worker to plain: memory when idle", memory["worker"] / memory["plain"], "", MEMORY_RATIO),
    ]


def _call_figures(seen: Mapping[Who, Levels]) -> list[Figure]:
    rows = []
    plain = seen["plain"]
    for calls in plain:
        for who in CONTESTANTS:
            level = seen[who].get(calls)
            if level is None:
                continue
            # the level that was too much for plain may be too much for both
            goal = None if saturated(plain) and calls == max(plain) else 0
            rows += [
                Figure(f"{who}: {calls} calls at once, last word to first sound, p50", level.p50_seconds, "s"),
                Figure(f"{who}: {calls} calls at once, last word to first sound, p95", level.p95_seconds, "s"),
                Figure(f"{who}: {calls} calls at once, CPU seconds a turn", level.cpu_seconds_a_turn, "s"),
                Figure(f"{who}: {calls} calls at once, unanswered turns and broken calls", level.unanswered, "", goal),
            ]
    p95 = common_p95(plain)
    held = {who: calls_at(p95, seen[who]) for who in CONTESTANTS}
    # 0 where not even the fewest calls were answered: the machine was not quiet, and the run says nothing
    ratio = held["worker"] / held["plain"] if held["plain"] else 0.0
    reached = "" if saturated(plain) else ", not saturated"
    return [
        *rows,
        Figure(f"p95 at which calls are compared{reached}", p95, "s"),
        *(Figure(f"{who}: calls at once at this p95", held[who], "") for who in CONTESTANTS),
        Figure("worker to plain: calls at this p95", ratio, "", CALLS_RATIO, at_least=True),
    ]
