"""What the routes need of the outside, as interfaces: the application is made of whatever is handed to it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from voiceagent_api.status import Usage

from voiceagent_gateway.gate import Gate
from voiceagent_gateway.history.points import History
from voiceagent_gateway.history.question import Question, span_of
from voiceagent_gateway.merge import Fleet
from voiceagent_gateway.model import AgentRef, LiveKitCredentials, PastSession, PodRef, PodView
from voiceagent_gateway.prometheus_text import GatewayCounters
from voiceagent_gateway.transcripts.kept import NoTranscripts, Transcripts
from voiceagent_gateway.usage.store import Lines


class Directory(Protocol):
    """Knows the VoiceAgents and their pods."""

    def agents(self) -> Sequence[AgentRef]: ...

    def agent(self, reference: str) -> AgentRef | None:
        """That of this NAMESPACE/NAME."""
        ...

    def pods(self) -> Sequence[PodRef]: ...

    def waiting_for(self) -> Sequence[str]:
        """What has not been listed yet; nothing once it can be relied on."""
        ...


class Credentials(Protocol):
    """Knows LiveKit keys."""

    async def read(self, namespace: str, name: str) -> LiveKitCredentials:
        """The key in a Secret. Raises a problem."""
        ...


class Rooms(Protocol):
    """Brings agents into living rooms."""

    async def ensure_agent(
        self, url: str, credentials: LiveKitCredentials, room: str, agent_name: str, metadata: str
    ) -> bool:
        """Whether an agent was called. Never raises for a server that fails."""
        ...


class FleetReader(Protocol):
    """Knows the worker pods' calls."""

    @property
    def known(self) -> Sequence[PodView]:
        """The pods as they were last seen."""
        ...

    @property
    def past(self) -> Sequence[PastSession]:
        """The sessions of pods that are gone, of the last hour."""
        ...

    async def read(self) -> Fleet: ...

    def remember(self, sessions: Iterable[PastSession]) -> None: ...


class Door(Protocol):
    """Knows whether there is a place for one more call."""

    async def admit(self, agent: AgentRef, room: str, gone: Callable[[], Awaitable[bool]]) -> None:
        """Return once a place is held. Raises a problem that says when to ask again."""
        ...


class UsageReader(Protocol):
    """Knows what agents used."""

    async def lines(self, first_day: str, last_day: str, agent: tuple[str, str] | None, most: int) -> Lines:
        """That of some days, of one agent (namespace and name) or all; at most so many lines. Raises DatabaseError."""
        ...

    def usage(self, agent: AgentRef) -> Usage:
        """What the agent used today."""
        ...


class NoUsage:
    """For an application that counts nothing."""

    async def lines(self, first_day: str, last_day: str, agent: tuple[str, str] | None, most: int) -> Lines:
        return []

    def usage(self, agent: AgentRef) -> Usage:
        return Usage()


class HistoryReader(Protocol):
    """Knows what was."""

    async def query(self, question: Question) -> History:
        """The answer. Raises a problem, or HistoryError."""
        ...


class NoHistory:
    """Knows nothing."""

    async def query(self, question: Question) -> History:
        """An answer without agents."""
        span = span_of(question, 0)
        return History(span.start, span.end, span.step, "none", ())


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything that an application is made of."""

    directory: Directory
    credentials: Credentials
    rooms: Rooms
    fleet: FleetReader
    door: Door
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    """An unguessable string of letters and digits."""
    gate: Gate = field(default_factory=Gate)
    waiting_for_keys: Callable[[], Sequence[str]] = tuple
    """What is still to be read before callers can be known."""
    history: HistoryReader = field(default_factory=NoHistory)
    counters: GatewayCounters = field(default_factory=GatewayCounters)
    usage: UsageReader = field(default_factory=NoUsage)
    transcripts: Transcripts = field(default_factory=NoTranscripts)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is to end: whoever answers for long ends then."""
