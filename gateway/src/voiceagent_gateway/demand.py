"""Tells the operator how many callers wait for places: `status.demand` of the VoiceAgent, by one writer an agent."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from voiceagent_api.names import API_VERSION, GROUP, KIND, PLURAL, VERSION
from voiceagent_api.status import Demand as DemandStatus

from voiceagent_gateway.kube import Kube, KubeError
from voiceagent_gateway.model import iso

FIELD_MANAGER: Final = "voiceagent-gateway"
PAUSE_SECONDS: Final = 2.0
"""The least time between two writes for one agent: each has the operator look at it."""
REPEAT_SECONDS: Final = 4.0
"""A number that stays is written again after this: another gateway may have more callers by now, or less."""
GIVEN_UP_AFTER_SECONDS: Final = 60.0
"""When the end of the waiting need not be told any more, since nobody believes in it any longer."""
WRITE_TIMEOUT_SECONDS: Final = 5.0
NOT_FOUND: Final = 404
log = logging.getLogger(__name__)

Write = Callable[[str, int, datetime], Awaitable[None]]
"""Tells the number of callers that wait for an agent, and when one last asked. May raise KubeError."""
Total = Callable[[str, int], Awaitable[int]]
"""Makes of this gateway's number of callers that wait for an agent that of all gateways."""


async def only_here(_: str, number: int) -> int:
    """The total where there is one gateway."""
    return number


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Places that are needed: of callers who wait at this gateway, and of those on their way from any."""

    waiting: int
    promised: int


NOBODY: Final = _Wanted(0, 0)


@dataclass(slots=True)
class _Told:
    wanted: _Wanted = NOBODY
    at: datetime | None = None
    """When that was written."""
    asked_at: datetime | None = None
    failing_since: datetime | None = None


class Demand:
    """Keeps what the operator is told up to date, while somebody waits and until nobody does."""

    def __init__(
        self,
        write: Write,
        clock: Callable[[], datetime],
        total: Total = only_here,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._write = write
        self._total = total
        self._clock = clock
        self._pause_seconds = pause_seconds
        self._wanted: dict[str, _Wanted] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}

    def wait(self, agent: str, number: int, promised: int = 0) -> None:
        """So many callers wait here for a place of the agent (NAMESPACE/NAME) now.

        `promised` places are those of callers on their way, whichever gateway let them in: they are needed as well.
        """
        if number == 0 and agent not in self._writers:
            return
        self._wanted[agent] = _Wanted(number, promised)
        if agent not in self._writers:
            self._writers[agent] = asyncio.create_task(self._keep(agent), name=f"demand of {agent}")

    async def close(self) -> None:
        """Nobody waits here any more: say so, and end."""
        for agent in self._wanted:
            self._wanted[agent] = NOBODY
        if self._writers:
            _, late = await asyncio.wait(self._writers.values(), timeout=self._pause_seconds + WRITE_TIMEOUT_SECONDS)
            for task in late:
                task.cancel()

    async def _keep(self, agent: str) -> None:
        told = _Told()
        try:
            while not (self._wanted[agent] == told.wanted == NOBODY) or told.failing_since:
                if self._due(self._wanted[agent], told) and not await self._tell(agent, told):
                    return
                await asyncio.sleep(self._pause_seconds)
        finally:
            del self._writers[agent], self._wanted[agent]

    def _due(self, wanted: _Wanted, told: _Told) -> bool:
        if wanted != told.wanted or told.at is None or told.failing_since:
            return True
        return wanted != NOBODY and (self._clock() - told.at).total_seconds() >= REPEAT_SECONDS

    async def _tell(self, agent: str, told: _Told) -> bool:
        """Write the number; returns whether there is any use in going on."""
        now, wanted = self._clock(), self._wanted[agent]
        asked_at = now if wanted != NOBODY or told.asked_at is None else told.asked_at
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
                await self._write(agent, await self._total(agent, wanted.waiting) + wanted.promised, asked_at)
        except (KubeError, TimeoutError) as error:
            if isinstance(error, KubeError) and error.status == NOT_FOUND:
                return False
            if told.failing_since is None:
                log.warning(
                    "the operator cannot be told of waiting callers",
                    extra={"agent": agent, "error": str(error) or "the API server is too slow"},
                )
            told.failing_since = told.failing_since or now
            return wanted != NOBODY or (now - told.failing_since).total_seconds() < GIVEN_UP_AFTER_SECONDS
        told.wanted, told.at, told.asked_at, told.failing_since = wanted, now, asked_at, None
        return True


class StatusDemand:
    """Writes into the status of VoiceAgents, as an owner of that one field."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    async def write(self, agent: str, number: int, asked_at: datetime) -> None:
        """Tell it. Raises KubeError."""
        namespace, name = agent.split("/")
        demand = DemandStatus(waiting=number, last_asked_time=iso(asked_at))
        document = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"namespace": namespace, "name": name},
            "status": {"demand": demand.model_dump(by_alias=True)},
        }
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}/{name}/status"
        await self._kube.apply(path, document, FIELD_MANAGER)
