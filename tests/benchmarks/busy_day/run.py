"""The day itself: callers call, the operator brings pods and takes them away, and somebody looks on."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from busy_day.clock import DayClock
from busy_day.curve import Call
from busy_day.endpoints import Endpoints
from busy_day.exchange import Exchange
from busy_day.nodes import Ground
from busy_day.pods import Workers, wanted_replicas
from operator_speed.fleet import AGENTS, APPLY, INSTALL, NAMESPACE, agent, prepare
from operator_speed.stage import cpu_seconds, memory_megabytes
from voiceagent_api.names import CONTROL_TOKEN_KEY, LABEL_AGENT, control_secret_name

NAME = "receptionist"
SELECTOR = f"{LABEL_AGENT}={NAME}"
PLACES_A_POD = 10
MOST_PODS = 200
WARM_SESSIONS = 100
WINDOW_SECONDS = 300
"""scaleDownStabilizationSeconds of the simulated day; the real one is that much shorter as the day goes by faster."""
TICK_SECONDS = 0.05
SAMPLE_SECONDS = 1.0
START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Sample:
    """How everything stood at a moment."""

    seconds: float
    """Since the day began, really."""
    hour: float
    callers: int
    """People who call, refused ones for as long as they would have talked."""
    active: int
    refused: int
    """Until now."""
    pods: int
    serving: int
    wanted: int
    """The Deployment's replicas."""


@dataclass(slots=True)
class Day:
    """What came of it."""

    samples: list[Sample] = field(default_factory=list)
    replicas: list[int] = field(default_factory=list)
    """Each number that the operator set, in their order."""
    answered: int = 0
    refused: int = 0
    cut: int = 0
    operator_cpu_seconds: float = 0.0
    operator_megabytes: float = 0.0
    seconds: float = 0.0


async def run_day(ground: Ground, clock: DayClock, calls: Sequence[Call], note: Callable[[str], None]) -> Day:
    """Live through the day."""
    await prepare(ground.access)
    install = _write_install(ground.folder / "install.yaml")
    process, _ = await asyncio.to_thread(ground.start_operator, install)
    async with ground.access.session() as session, _simulation(session, clock.at(0)[1]) as simulation:
        before = cpu_seconds(process.pid)
        await simulation.live(clock, calls, note)
        day = simulation.day
        day.operator_cpu_seconds = cpu_seconds(process.pid) - before
        day.operator_megabytes = memory_megabytes(process.pid)[1]
    return day


class Simulation:
    """One agent, its workers and its callers."""

    def __init__(self, session: aiohttp.ClientSession, exchange: Exchange, workers: Workers, speed: float) -> None:
        self.day = Day()
        self._session = session
        self._exchange = exchange
        self._workers = workers
        self._speed = speed

    async def live(self, clock: DayClock, calls: Sequence[Call], note: Callable[[str], None]) -> None:
        """From the first hour to the last."""
        waiting = iter(calls)
        following = next(waiting, None)
        began, sampled, told = time.monotonic(), -SAMPLE_SECONDS, -1
        while (now := time.monotonic() - began) < clock.seconds:
            hour, speed = clock.at(now)
            while following is not None and following.at <= hour:
                self._exchange.call(following)
                following = next(waiting, None)
            self._exchange.pass_time(hour)
            if speed != self._speed:
                self._speed = speed
                await apply_agent(self._session, speed)
            if now - sampled >= SAMPLE_SECONDS:
                sampled = now
                self.day.samples.append(self._sample(now, hour))
            if int(hour) > told:
                told = int(hour)
                note(f"  {told:02}:00  {_told(self.day.samples[-1])}, {self._exchange.cut} cut")
            await asyncio.sleep(TICK_SECONDS)
        self.day.seconds = time.monotonic() - began
        exchange = self._exchange
        self.day.answered, self.day.refused, self.day.cut = exchange.answered, exchange.refused, exchange.cut

    async def until_serving(self) -> None:
        """Wait for as many pods as an agent without calls has."""
        async with asyncio.timeout(START_SECONDS):
            while self._exchange.serving < WARM_SESSIONS / PLACES_A_POD:
                await asyncio.sleep(TICK_SECONDS)

    def _sample(self, now: float, hour: float) -> Sample:
        exchange, replicas = self._exchange, self.day.replicas
        return Sample(
            seconds=now, hour=hour, callers=exchange.callers, active=exchange.active, refused=exchange.refused,
            pods=self._workers.existing, serving=exchange.serving, wanted=replicas[-1] if replicas else 0,
        )  # fmt: skip


def _told(sample: Sample) -> str:
    return (
        f"{sample.active:5} calls  {sample.pods:4} pods, {sample.serving:4} serving  {sample.refused:5} refused so far"
    )


@contextlib.asynccontextmanager
async def _simulation(session: aiohttp.ClientSession, speed: float) -> AsyncIterator[Simulation]:
    await apply_agent(session, speed)
    exchange = Exchange(PLACES_A_POD)
    endpoints = Endpoints(NAME, NAMESPACE, await _control_token(session))
    await endpoints.start()
    workers = Workers(session, NAMESPACE, exchange, endpoints)
    simulation = Simulation(session, exchange, workers, speed)
    deployments = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
    going: tuple[Coroutine[Any, Any, None], ...] = (
        workers.follow(SELECTOR),
        workers.probe(),
        wanted_replicas(session, deployments, simulation.day.replicas, ""),
    )
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in going]
            await simulation.until_serving()
            yield simulation
            for task in tasks:
                task.cancel()
    finally:
        await endpoints.stop()


async def apply_agent(session: aiohttp.ClientSession, speed: float) -> None:
    """The VoiceAgent, with a window as long as it would be on a day of that speed."""
    document = agent(NAME, "You answer the phone.")
    document["spec"]["scaling"] = {
        "mode": "Sessions", "minReplicas": 1, "maxReplicas": MOST_PODS, "sessionsPerReplica": PLACES_A_POD,
        "warmSessions": WARM_SESSIONS, "scaleDownStabilizationSeconds": max(1, round(WINDOW_SECONDS / speed)),
    }  # fmt: skip
    del document["spec"]["replicas"]
    query = {"fieldManager": "kubectl", "force": "true"}
    async with session.patch(f"{AGENTS}/{NAME}", params=query, data=yaml.safe_dump(document), headers=APPLY) as answer:
        if answer.status >= 400:
            raise RuntimeError(f"PATCH of the VoiceAgent: {await answer.text()}")


async def _control_token(session: aiohttp.ClientSession) -> str:
    """The token that the operator makes for its pods."""
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/{control_secret_name(NAME)}"
    async with asyncio.timeout(START_SECONDS):
        while True:
            async with session.get(path) as answer:
                if answer.status == 200:
                    return base64.b64decode((await answer.json())["data"][CONTROL_TOKEN_KEY]).decode()
            await asyncio.sleep(TICK_SECONDS)


def _write_install(file: Path) -> Path:
    # Nobody answers there, which is known at once: LiveKit is not part of the simulation.
    file.write_text(yaml.safe_dump({**INSTALL, "livekit": {"url": "ws://127.0.0.1:9"}}), encoding="utf-8")
    return file
