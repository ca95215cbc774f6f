"""The answer of `/metrics/history` as its OpenAPI document says it; points.py writes it."""

from pydantic import BaseModel, Field


class LatencyDocument(BaseModel):
    """Milliseconds that half, 95 % and 99 % of the turns did not exceed."""

    p50: float
    p95: float
    p99: float


class LatenciesDocument(BaseModel):
    """By stage; null where nothing was measured."""

    e2e: LatencyDocument | None
    stt: LatencyDocument | None
    llm_ttft: LatencyDocument | None
    tts_ttfb: LatencyDocument | None


class ActiveDocument(BaseModel):
    """Calls at once."""

    max: int
    mean: float


class PointDocument(BaseModel):
    """What one step had."""

    timestamp: str
    active: ActiveDocument
    started: int
    ended: dict[str, int]
    turns: int
    latency: LatenciesDocument


class AgentDocument(BaseModel):
    """One agent's points, the oldest first; steps in which nothing was are left out."""

    namespace: str
    agent: str
    test: bool
    points: list[PointDocument]


class HistoryAnswer(BaseModel):
    """The history of all agents asked for."""

    start: str = Field(alias="from")
    to: str
    step_seconds: int
    source: str
    agents: list[AgentDocument]
