"""What `GET /fleet` answers, as its OpenAPI document says it. Of calls it has what they are, never what is said."""

from typing import Any, Literal

from pydantic import BaseModel

Severity = Literal["critical", "warning", "info"]
PodState = Literal["ready", "starting", "draining", "unready"]
Health = Literal["failing", "degraded", "healthy", "idle", "suspended", "deleted"]
"""failing: calls are lost or not taken. degraded: calls are served, and something needs a look. idle: there is no pod,
and none is wanted. deleted: the VoiceAgent is gone, and its last pods finish their calls."""


class Attention(BaseModel):
    """One thing that somebody should look at."""

    severity: Severity
    namespace: str
    agent: str
    code: str
    """One word for programs, the same for the same kind of thing."""
    message: str
    """A sentence for people."""
    values: dict[str, Any]
    """The numbers and texts of the sentence, for a page that says it in another language."""


class ConditionDocument(BaseModel):
    """A condition as the operator wrote it."""

    type: str
    status: str
    reason: str
    message: str
    since: str


class PodDocument(BaseModel):
    """A worker pod as it was last seen."""

    name: str
    revision: str
    state: PodState
    sessions: int
    capacity: int
    stale: bool
    """Whether it did not answer when it was last asked, so that its calls are as they were when it last did."""
    error: str | None
    """Why it did not answer, or why it refused a changed config file."""
    deadline: str | None
    """When it is ended, whatever it serves; null for one that may stay."""


class DrainingDocument(BaseModel):
    """Pods of one revision that finish their calls."""

    revision: str
    pods: int
    sessions: int
    deadline: str | None


class RevisionDocument(BaseModel):
    """What runs of one revision of the pod template."""

    revision: str
    current: bool
    """Whether it is the one that pods should have."""
    pods: int
    ready: int
    sessions: int


class LatencyDocument(BaseModel):
    """Of the turns of the last hour, in milliseconds; null where nothing was measured."""

    e2e_p50: float | None
    e2e_p95: float | None
    stt: float | None
    """Mean from the caller's last sound to the final transcript."""
    llm_ttft: float | None
    """Mean time to the model's first token."""
    tts_ttfb: float | None
    """Mean time to the first byte of speech."""
    turns: int


class UsageDocument(BaseModel):
    """What the agent used today (UTC)."""

    cost: str | None
    """A decimal; null where nothing of it has a price."""
    currency: str | None
    unpriced: list[str]
    budget_per_day: str | None
    on_exceeded: str | None


class LiveSession(BaseModel):
    """A call that runs."""

    id: str
    room: str
    pod: str
    revision: str
    started_at: str
    turns: int
    last_turn_at: str | None
    e2e: float | None
    """Mean milliseconds that the caller waited for an answer."""
    caller_words: int
    agent_words: int
    last_said_at: str | None
    """When either side's last words were complete."""
    transcript: bool
    """Whether the words themselves can be had of GET /sessions/{id}/transcript, by those who may."""
    stale: bool


class AgentDocument(BaseModel):
    """One agent."""

    namespace: str
    name: str
    agent_name: str
    health: Health
    language: str
    ready_summary: str
    """Ready of wanted pods, for example 2/2."""
    sessions: int
    capacity: int
    """Calls that the pods which take new ones can have at once."""
    conditions: list[ConditionDocument]
    pods: list[PodDocument]
    draining: list[DrainingDocument]
    revisions: list[RevisionDocument]
    latency: LatencyDocument
    ended: dict[str, int]
    """The calls that ended within the hour, by outcome."""
    usage: UsageDocument
    live: list[LiveSession]
    """The newest of the calls that run, 50 at most."""


class FleetDocument(BaseModel):
    """All agents that the caller may see."""

    sessions: int
    capacity: int
    cost: str | None
    """Of all agents today; null where nothing has a price."""
    currency: str | None
    attention: list[Attention]
    """The worst first."""
    agents: list[AgentDocument]
