"""What a call and the main process tell each other: the words of their channel, one JSON object a line."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, NonNegativeFloat, NonNegativeInt, TypeAdapter
from voiceagent_api.base import Model
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.transcripts import Speaker
from voiceagent_api.worker_status import ModelUsage, TurnRecord


class SessionStarted(Model):
    """A call was handed to this pod. Always the first event of a call."""

    type: Literal["started"] = "started"
    session: str
    room: str
    at: datetime
    config_revision: str
    transcribed: bool = False
    """Whether its words will be told, too."""


class TurnCompleted(Model):
    """The caller spoke or typed, and the agent answered."""

    type: Literal["turn"] = "turn"
    session: str
    turn: TurnRecord


class WordsSaid(Model):
    """Somebody said something: how much, never what."""

    type: Literal["words"] = "words"
    session: str
    who: Speaker
    words: NonNegativeInt
    at: datetime


class LineSaid(Model):
    """What somebody said, after the plugins. Told only where the agent's transcripts are enabled."""

    type: Literal["line"] = "line"
    session: str
    who: Speaker
    text: str
    language: str
    at: datetime


class UsageReported(Model):
    """What the call used since its start: totals, never differences, so that a lost event costs nothing."""

    type: Literal["usage"] = "usage"
    session: str
    llm_prompt_tokens: NonNegativeInt = 0
    llm_completion_tokens: NonNegativeInt = 0
    tts_characters: NonNegativeInt = 0
    stt_audio_seconds: NonNegativeFloat = 0.0
    models: list[ModelUsage] = Field(default_factory=list)
    """The same by provider and model."""


class ModelTimed(Model):
    """A model has given its whole answer, or all of its sound."""

    type: Literal["model_timed"] = "model_timed"
    session: str
    kind: Literal["llm", "tts"]
    seconds: NonNegativeFloat


class ProviderFailed(Model):
    """A request to a provider failed; it may have been tried again."""

    type: Literal["provider_failed"] = "provider_failed"
    session: str
    kind: ProviderKind
    provider: str


class PluginsStarted(Model):
    """The plugins that take part in the call."""

    type: Literal["plugins_started"] = "plugins_started"
    session: str
    plugins: list[str]


class PluginResult(Model):
    """What became of one call of a plugin."""

    plugin: str
    occasion: Literal["user", "agent", "session_start", "session_end"]
    outcome: Literal["ok", "error", "timeout", "open"]
    seconds: NonNegativeFloat
    changed: bool = False


class PluginsRan(Model):
    """A message went through the plugins, or they were told of the call's start or end."""

    type: Literal["plugins_ran"] = "plugins_ran"
    session: str
    results: list[PluginResult]


class PluginReported(Model):
    """A plugin counted or measured something of its own."""

    type: Literal["plugin_reported"] = "plugin_reported"
    session: str
    plugin: str
    name: str
    value: FiniteFloat
    counted: bool


MetricKind = Literal["counter", "gauge", "histogram", "summary"]


class MetricSample(Model):
    """One line of a metric, as Prometheus reads it."""

    name: str
    labels: dict[str, str] = Field(default_factory=dict)
    value: FiniteFloat


class MetricFamily(Model):
    """A metric of a plugin or provider, with all its series."""

    name: str
    kind: MetricKind
    help: str = ""
    samples: list[MetricSample]


class OwnMetrics(Model):
    """What a plugin or provider measured by a metric of its own: totals since the call began."""

    type: Literal["own_metrics"] = "own_metrics"
    session: str
    family: MetricFamily


class McpServerTried(Model):
    """The call tried to reach a server of tools."""

    type: Literal["mcp_server_tried"] = "mcp_server_tried"
    session: str
    server: str
    ok: bool


class ProviderAvailability(Model):
    """A provider stopped serving this call, or serves it again."""

    type: Literal["provider_availability"] = "provider_availability"
    session: str
    kind: ProviderKind
    provider: str
    key: str
    """Which one, where several of that name are configured."""
    available: bool
    message: str = ""
    """Why not, in a sentence."""


class PluginAvailability(Model):
    """A plugin keeps failing in this call and is left alone, or works again."""

    type: Literal["plugin_availability"] = "plugin_availability"
    session: str
    plugin: str
    key: str
    """Which one: name and settings, without showing these."""
    available: bool


Result = Literal["completed", "user_left", "timed_out", "drained", "error"]
"""How a call ended, as it tells itself."""


class SessionEnded(Model):
    """The call ended in order. Always the last event of a call."""

    type: Literal["ended"] = "ended"
    session: str
    at: datetime
    outcome: Result
    error: str | None = None


class SessionLost(Model):
    """The call's process is gone and said no end. Never sent: the main process concludes it."""

    type: Literal["lost"] = "lost"
    session: str
    at: datetime
    memory_exceeded: bool = False
    """Whether it was ended for using more memory than one call may."""


class EndCall(Model):
    """From the main process to a call: say goodbye and leave."""

    type: Literal["end"] = "end"


class ProviderNews(Model):
    """From the main process to a call: what another call found of a provider."""

    type: Literal["provider"] = "provider"
    key: str
    available: bool


class PluginNews(Model):
    """From the main process to a call: what another call found of a plugin."""

    type: Literal["plugin"] = "plugin"
    key: str
    available: bool


Command = EndCall | ProviderNews | PluginNews
SentEvent = (
    SessionStarted
    | TurnCompleted
    | WordsSaid
    | LineSaid
    | UsageReported
    | ModelTimed
    | ProviderFailed
    | ProviderAvailability
    | PluginAvailability
    | PluginsStarted
    | PluginsRan
    | PluginReported
    | OwnMetrics
    | McpServerTried
    | SessionEnded
)
Event = SentEvent | SessionLost

_COMMANDS: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])
MEASUREMENTS = (
    TurnCompleted,
    WordsSaid,
    UsageReported,
    ModelTimed,
    ProviderFailed,
    PluginsRan,
    PluginReported,
    OwnMetrics,
    McpServerTried,
)
"""What is not told where metrics.enabled is false."""

_SENT: TypeAdapter[SentEvent] = TypeAdapter(Annotated[SentEvent, Field(discriminator="type")])


def encode(message: SentEvent | Command) -> bytes:
    """One line."""
    return message.model_dump_json(by_alias=True).encode() + b"\n"


def decode(line: bytes) -> SentEvent:
    """The event of a line. Raises pydantic's ValidationError."""
    return _SENT.validate_json(line)


def decode_command(line: bytes) -> Command:
    """The command of a line. Raises pydantic's ValidationError."""
    return _COMMANDS.validate_json(line)
