"""Tells the operator what agents used today: `status.usage` of the VoiceAgent, as the owner of that one field.

Each gateway counts for itself, and each may write: it writes where it knows of more than the status says, so that the
highest count stays, whichever gateway's it is, and gateways that agree write once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

from voiceagent_api.names import API_VERSION, GROUP, KIND, PLURAL, VERSION
from voiceagent_api.status import Usage

from voiceagent_gateway.kube import Kube, KubeError
from voiceagent_gateway.model import AgentRef, iso
from voiceagent_gateway.usage.budget import is_news
from voiceagent_gateway.usage.keeper import UsageKeeper

FIELD_MANAGER: Final = "voiceagent-gateway-usage"
"""Not that of status.demand: an apply takes away what its manager applied before and no more names."""
PAUSE_SECONDS: Final = 30.0
"""The least time between two writes for one agent: each has the operator look at it."""
LOOK_SECONDS: Final = 5.0
WRITE_TIMEOUT_SECONDS: Final = 5.0
WRITES_AT_ONCE: Final = 8
"""When a day begins, there is something to tell of every agent with a budget."""
AGENTS_AT_ONCE: Final = 100
"""Of many agents, callers who ask for a token are not to wait for all to be looked at."""
NOT_FOUND: Final = 404
log = logging.getLogger(__name__)

Write = Callable[[AgentRef, Usage], Awaitable[None]]
"""Tells what an agent used. May raise KubeError."""


class UsageTeller:
    """Keeps what the operator is told up to date."""

    def __init__(
        self,
        agents: Callable[[], Sequence[AgentRef]],
        keeper: UsageKeeper,
        write: Write,
        clock: Callable[[], datetime],
        pause_seconds: float = PAUSE_SECONDS,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._agents = agents
        self._keeper = keeper
        self._write = write
        self._clock = clock
        self._pause_seconds = pause_seconds
        self._look_seconds = look_seconds
        self._written_at: dict[str, float] = {}
        self._failing: set[str] = set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await self.tell()
            await asyncio.sleep(self._look_seconds)

    async def tell(self) -> None:
        """Write what is news and is due."""
        if not self._keeper.started:
            return
        agents = {agent.reference: agent for agent in self._agents()}
        for gone in self._written_at.keys() - agents.keys():
            del self._written_at[gone]
        self._failing &= agents.keys()
        limit = asyncio.Semaphore(WRITES_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for number, agent in enumerate(agents.values()):
                if number % AGENTS_AT_ONCE == 0:
                    await asyncio.sleep(0)
                if self._due(agent) and (usage := self._news(agent)) is not None:
                    group.create_task(self._tell(agent, usage, limit))

    def _due(self, agent: AgentRef) -> bool:
        written = self._written_at.get(agent.reference)
        return written is None or asyncio.get_running_loop().time() - written >= self._pause_seconds

    def _news(self, agent: AgentRef) -> Usage | None:
        """What to write; of an agent without a budget only what it used."""
        if agent.budget is None and (agent.namespace, agent.name) not in self._keeper.today:
            return None
        usage = self._keeper.usage(agent)
        return usage if is_news(usage, agent.usage) else None

    async def _tell(self, agent: AgentRef, usage: Usage, limit: asyncio.Semaphore) -> None:
        async with limit:
            self._written_at[agent.reference] = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
                    await self._write(agent, usage.model_copy(update={"observed_time": iso(self._clock())}))
            except (KubeError, TimeoutError) as error:
                if isinstance(error, KubeError) and error.status == NOT_FOUND:
                    return
                if agent.reference not in self._failing:
                    log.warning(
                        "the operator cannot be told of an agent's usage",
                        extra={"agent": agent.reference, "error": str(error) or "the API server is too slow"},
                    )
                self._failing.add(agent.reference)
            else:
                self._failing.discard(agent.reference)


class StatusUsage:
    """Writes into the status of VoiceAgents, as an owner of that one field."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    async def write(self, agent: AgentRef, usage: Usage) -> None:
        """Tell it. Raises KubeError."""
        document = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"namespace": agent.namespace, "name": agent.name},
            "status": {"usage": usage.model_dump(by_alias=True, exclude_none=True)},
        }
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{agent.namespace}/{PLURAL}/{agent.name}/status"
        await self._kube.apply(path, document, FIELD_MANAGER)
