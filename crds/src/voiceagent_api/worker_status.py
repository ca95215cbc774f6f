"""What a worker pod answers on `/status`: read by the gateway and the operator."""

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt
from pydantic.dataclasses import dataclass

from voiceagent_api.base import SMALL, Model

Outcome = Literal["active", "completed", "user_left", "timed_out", "drained", "error", "crashed", "memory_exceeded"]
"""How a call stands. completed: it was ended in the room. user_left: the caller hung up. timed_out: it reached its
longest duration. drained: its pod had to end. error: a sentence says what failed. crashed: its process died.
memory_exceeded: its process used more than sessions.memoryLimit and was ended, it alone."""
FAILURES: Final[frozenset[Outcome]] = frozenset({"error", "crashed", "memory_exceeded"})
"""Outcomes that nobody wanted."""


@dataclass(frozen=True, slots=True, config=SMALL)
class TurnRecord:
    """One exchange: the caller spoke, the agent answered. Latencies in milliseconds; None where not measured."""

    at: datetime
    stt_milliseconds: float | None = None
    """From the caller's last sound to the final transcript."""
    llm_ttft_milliseconds: float | None = None
    tts_ttfb_milliseconds: float | None = None
    e2e_milliseconds: float | None = None
    """From the caller's last sound to the agent's first."""


@dataclass(frozen=True, slots=True, config=SMALL)
class ModelUsage:
    """What a call used of one model since its start."""

    provider: str
    """As the agent's spec names it."""
    model: str
    llm_prompt_tokens: NonNegativeInt = 0
    llm_completion_tokens: NonNegativeInt = 0
    tts_characters: NonNegativeInt = 0
    tts_audio_seconds: NonNegativeFloat = 0.0
    stt_audio_seconds: NonNegativeFloat = 0.0


class SessionRecord(Model):
    """One call on this pod."""

    id: str
    room: str
    started_at: datetime
    ended_at: datetime | None = None
    config_revision: str
    outcome: Outcome = "active"
    error: str | None = None
    turns: list[TurnRecord] = Field(default_factory=list)
    plugins: list[str] = Field(default_factory=list)
    """Those that take part in the call, in their order."""
    llm_prompt_tokens: int = 0
    llm_completion_tokens: int = 0
    tts_characters: int = 0
    stt_audio_seconds: float = 0.0
    models: list[ModelUsage] = Field(default_factory=list)
    """The same by provider and model."""
    caller_words: NonNegativeInt = 0
    agent_words: NonNegativeInt = 0
    last_said_at: datetime | None = None
    """When either side's last words were complete."""
    transcribed: bool = False
    """Whether the words themselves are held by the pod: spec.transcripts.enabled, when the call began."""


class ProviderCheck(Model):
    """What a worker found when it last asked a provider whether it would serve this agent."""

    kind: str
    provider: str
    ok: bool | None
    """None where the provider could not be reached: that says nothing of the credentials."""
    message: str = ""
    remedy: str = ""
    """What to do, where neither the key nor the settings are to be corrected."""
    checked_at: datetime
    replaceable: bool = False
    """Another provider of the kind is not known to refuse, and steps in: calls do not fail by this one."""


class WorkerStatus(Model):
    """A worker pod as it is now."""

    namespace: str
    agent: str
    agent_name: str
    pod: str
    revision: str
    process: str = ""
    """The worker's main process: another one after a restart of the container."""
    started_at: datetime | None = None
    """When that process began."""
    config_revision: str
    config_error: str | None = None
    """Why a changed config file was refused; the last good one stays in force."""
    registered: bool
    registration_error: str | None = None
    """Why LiveKit does not take the worker, as far as it said."""
    draining: bool
    session_capacity: int | None = None
    """How many calls the pod takes at once."""
    provider_checks: list[ProviderCheck] = Field(default_factory=list)
    sessions: list[SessionRecord] = Field(default_factory=list)
    """Active sessions, and those that ended within the last hour, oldest first."""
    transcript_position: NonNegativeInt = 0
    """Position of the newest line of `/transcripts`; 0 where there is none."""
    metrics: dict[str, Any] = Field(default_factory=dict)
    """The pod's own numbers in the shape that dashboards of the single-machine system read: sessions.active_count,
    sessions.sessions, performance.avg_…_latency in milliseconds, timestamp."""
