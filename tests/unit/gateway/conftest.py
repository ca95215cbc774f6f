"""A gateway made of parts in memory, to see what its routes answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import hypothesis
import pytest
from voiceagent_api.install import GatewaySettings, InstallConfig, LiveKitDefaults
from voiceagent_gateway.app import create_app
from voiceagent_gateway.demand import Demand
from voiceagent_gateway.deps import Deps, HistoryReader, NoHistory
from voiceagent_gateway.door import Door, Limits
from voiceagent_gateway.gate import Gate
from voiceagent_gateway.merge import Fleet, merge
from voiceagent_gateway.model import AgentRef, LiveKitCredentials, PastSession, PodRef, PodView
from voiceagent_gateway.problems import ProblemError
from voiceagent_gateway.reservations import MemoryReservations
from voiceagent_gateway.settings import Settings
from voiceagent_gateway.transcripts.kept import NoTranscripts, Transcripts

# A machine that is busy elsewhere must not fail a property.
hypothesis.settings.register_profile("gateway", deadline=None, max_examples=50)
hypothesis.settings.load_profile("gateway")

NOW = datetime(2026, 5, 4, 12, 30, 15, tzinfo=UTC)
API_SECRET = "a-secret-of-at-least-32-characters"


@dataclass
class World:
    """What the application under test is made of: each part is read at the time of a request."""

    agents: list[AgentRef] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    secrets: dict[tuple[str, str], LiveKitCredentials] = field(default_factory=dict)
    views: list[PodView] = field(default_factory=list)
    past: list[PastSession] = field(default_factory=list)
    calls: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Rooms that were looked at: url, room, agent name, metadata."""
    install: InstallConfig = field(
        default_factory=lambda: InstallConfig(
            livekit=LiveKitDefaults(url="ws://livekit:7880", public_url="ws://localhost:8080"),
            gateway=GatewaySettings(token_ttl_seconds=300),
        )
    )
    client_dir: Path | None = None
    gate: Gate = field(default_factory=Gate)
    now: datetime = NOW
    demand: list[tuple[str, int]] = field(default_factory=list)
    """What the operator was told of waiting callers."""
    wait_seconds: float = 0.0
    waiting_max: int = 100
    beyond_budget: Callable[[AgentRef], ProblemError | None] = field(default=lambda _: None)
    ids: int = 0
    history: HistoryReader = field(default_factory=NoHistory)
    transcripts: Transcripts = field(default_factory=NoTranscripts)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> Deps:
        return Deps(
            directory=_Directory(self),
            credentials=_Credentials(self),
            rooms=_Rooms(self),
            fleet=_Fleet(self),
            door=self.door(),
            clock=lambda: NOW,
            new_id=self._new_id,
            gate=self.gate,
            history=self.history,
            transcripts=self.transcripts,
            stopping=self.stopping,
        )

    def door(self) -> Door:
        def clock() -> datetime:
            return self.now

        return Door(
            _Directory(self),
            _Readings(self),
            MemoryReservations(clock),
            Demand(self._tell, clock, pause_seconds=0.02),
            Limits(hold_seconds=300, wait_seconds=self.wait_seconds, waiting_max=self.waiting_max),
            past=lambda: tuple(self.past),
            beyond_budget=lambda agent: self.beyond_budget(agent),
        )

    async def _tell(self, agent: str, number: int, asked_at: datetime) -> None:
        self.demand.append((agent, number))

    def _new_id(self) -> str:
        self.ids += 1
        return f"id{self.ids}"


@dataclass
class _Directory:
    world: World

    def agents(self) -> Sequence[AgentRef]:
        return self.world.agents

    def agent(self, reference: str) -> AgentRef | None:
        return next((agent for agent in self.world.agents if agent.reference == reference), None)

    def pods(self) -> Sequence[PodRef]:
        return [view.pod for view in self.world.views]

    def pods_of(self, namespace: str, agent: str) -> Sequence[PodRef]:
        return [pod for pod in self.pods() if (pod.namespace, pod.agent) == (namespace, agent)]

    def waiting_for(self) -> Sequence[str]:
        return self.world.waiting


@dataclass
class _Readings:
    world: World

    async def read(self, pods: Sequence[PodRef]) -> Sequence[PodView]:
        await asyncio.sleep(0)
        return [view for view in self.world.views if view.pod in pods]


@dataclass
class _Credentials:
    world: World

    async def read(self, namespace: str, name: str) -> LiveKitCredentials:
        try:
            return self.world.secrets[(namespace, name)]
        except KeyError:
            detail = f"Secret {name} is missing in namespace {namespace}."
            raise ProblemError(503, "livekit-credentials", "No credentials", detail) from None


@dataclass
class _Rooms:
    world: World

    async def ensure_agent(
        self, url: str, credentials: LiveKitCredentials, room: str, agent_name: str, metadata: str
    ) -> bool:
        self.world.calls.append((url, room, agent_name, metadata))
        return True


@dataclass
class _Fleet:
    world: World

    @property
    def known(self) -> Sequence[PodView]:
        return self.world.views

    @property
    def past(self) -> Sequence[PastSession]:
        return self.world.past

    async def read(self) -> Fleet:
        return merge(self.world.views, self.world.past, NOW)

    def remember(self, sessions: Iterable[PastSession]) -> None:
        self.world.past.extend(sessions)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def make_agent() -> Callable[..., AgentRef]:
    """Makes a VoiceAgent that can be called."""

    def make(name: str = "receptionist", namespace: str = "default", **fields: object) -> AgentRef:
        values: dict[str, object] = {
            "namespace": namespace,
            "name": name,
            "agent_name": f"{namespace}-{name}",
            "ready_replicas": 1,
            "ready_summary": "1/1",
        }
        return AgentRef(**{**values, **fields})  # type: ignore[arg-type]

    return make


@pytest.fixture
def world(make_agent: Callable[..., AgentRef]) -> World:
    """One callable VoiceAgent, with its LiveKit Secret."""
    return World(agents=[make_agent()], secrets={("default", "livekit"): LiveKitCredentials("devkey", API_SECRET)})


@pytest.fixture
async def ask(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the gateway that the world, as it is when this is first used, makes."""

    class Lazy(httpx.AsyncBaseTransport):
        inner: httpx.ASGITransport | None = None

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if self.inner is None:
                settings = Settings(install=world.install, client_dir=world.client_dir)
                app = create_app(settings, world.app())
                self.inner = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.7", 1))
            return await self.inner.handle_async_request(request)

    async with httpx.AsyncClient(transport=Lazy(), base_url="http://gateway") as client:
        yield client
