"""Pods that used something, and a gateway's keeper and teller of it, in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from voiceagent_api.prices import ModelPrice, Prices
from voiceagent_api.running import Budget
from voiceagent_api.status import Usage
from voiceagent_api.worker_status import ModelUsage, SessionRecord, WorkerStatus
from voiceagent_gateway.database import Database, open_database
from voiceagent_gateway.kube import KubeError
from voiceagent_gateway.model import AgentRef, PastSession, PodRef, PodView
from voiceagent_gateway.usage.keeper import UsageKeeper
from voiceagent_gateway.usage.store import SCHEMA
from voiceagent_gateway.usage.told import UsageTeller

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MEGABYTE = 1024 * 1024
PRICES = Prices(
    currency="EUR",
    models={
        "openai": ModelPrice(input_per_million_tokens="2", output_per_million_tokens="8"),
        "deepgram": ModelPrice(per_audio_minute="0.6"),
    },
)
POD = PodRef("u1", "default", "receptionist-a", "receptionist", "r1", "10.0.0.1", 8080, "Running", ready=True)
AGENT = AgentRef("default", "receptionist", "default-receptionist", budget=Budget(per_day="5.00", on_exceeded="Refuse"))


def call(name: str = "s1", prompt: int = 0, stt: float = 0.0, **more: Any) -> SessionRecord:
    models = [
        ModelUsage(provider="openai", model="gpt-5", llm_prompt_tokens=prompt),
        ModelUsage(provider="deepgram", model="nova-3", stt_audio_seconds=stt),
    ]
    record = {"started_at": NOON - timedelta(minutes=5), "config_revision": "c", "models": models, "room": "lobby"}
    return SessionRecord.model_validate({"id": name, **record, **more})


def view(*calls: SessionRecord, pod: PodRef = POD) -> PodView:
    status = WorkerStatus(
        namespace="default",
        agent=pod.agent,
        agent_name="default-receptionist",
        pod=pod.name,
        revision="r1",
        config_revision="c",
        registered=True,
        draining=False,
        sessions=list(calls),
    )
    return PodView(pod, status, NOON)


@dataclass
class Here:
    """What a keeper looks at, and what a teller tells."""

    now: datetime = NOON
    views: list[PodView] = field(default_factory=list)
    past: list[PastSession] = field(default_factory=list)
    agents: list[AgentRef] = field(default_factory=lambda: [AGENT])
    told: list[tuple[str, Usage]] = field(default_factory=list)
    error: KubeError | None = None

    def keeper(self, database: Database) -> UsageKeeper:
        return UsageKeeper(lambda: self.views, lambda: self.past, database, PRICES, lambda: self.now)

    def teller(self, keeper: UsageKeeper, pause_seconds: float = 0.0) -> UsageTeller:
        return UsageTeller(lambda: self.agents, keeper, self.write, lambda: self.now, pause_seconds)

    async def write(self, agent: AgentRef, usage: Usage) -> None:
        if self.error is not None:
            raise self.error
        self.told.append((agent.reference, usage))
        self.agents = [replace(it, usage=usage) if it.reference == agent.reference else it for it in self.agents]


@asynccontextmanager
async def keeping(here: Here, folder: Path | None = None) -> AsyncIterator[UsageKeeper]:
    async with open_database(folder, SCHEMA, MEGABYTE) as database:
        yield here.keeper(database)
