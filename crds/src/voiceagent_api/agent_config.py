"""The agent's config file (`agent.json`): what the operator writes and a worker pod reads. It holds no secret."""

import hashlib
from typing import Any, Literal

from pydantic import Field, model_validator

from voiceagent_api.base import Model
from voiceagent_api.conversation import TurnDetection


class ProviderConfig(Model):
    """A provider with every default filled in."""

    provider: str
    model: str
    voice: str | None = None
    base_url: str | None = Field(default=None, alias="baseURL")
    credentials_path: str | None = None
    """File that holds the key; read at each session's start."""
    further_credentials: dict[str, str] | None = None
    """Files of what else the provider's Secret holds, by their keys. Which are there is seen at each start."""
    credentials_env: str | None = None
    """Environment variable that holds the key; it wins over the file."""
    options: dict[str, Any] = Field(default_factory=dict)
    fallbacks: list["ProviderConfig"] = Field(default_factory=list)
    """Whom to turn to when it fails, in this order; those have none of their own."""


class ProvidersConfig(Model):
    """The providers of a session: three, or a realtime one in their place."""

    stt: ProviderConfig | None = None
    llm: ProviderConfig | None = None
    tts: ProviderConfig | None = None
    realtime: ProviderConfig | None = None

    @model_validator(mode="after")
    def _whole(self) -> "ProvidersConfig":
        if self.realtime is None and None in (self.stt, self.llm, self.tts):
            raise ValueError("stt, llm and tts are needed, or realtime in their place")
        return self


class PluginWebhookConfig(Model):
    """A plugin that runs elsewhere."""

    url: str
    secret_path: str | None = None
    """File that holds the key which signs each message; read at each session's start."""


class PluginConfig(Model):
    """A step that what is said passes through."""

    name: str
    webhook: PluginWebhookConfig | None = None
    timeout_milliseconds: int = Field(default=200, gt=0)
    on_error: Literal["Skip", "Fail"] = "Skip"
    config: dict[str, Any] = Field(default_factory=dict)


class McpServerConfig(Model):
    """A server of tools."""

    name: str
    url: str
    transport: Literal["StreamableHTTP", "SSE"] = "StreamableHTTP"
    token_path: str | None = None
    """File that holds the bearer token; read at each session's start."""


class AgentConfig(Model):
    """All that a worker pod needs to know of its agent, but for credentials."""

    schema_version: Literal[1] = 1
    namespace: str
    name: str
    agent_name: str
    livekit_url: str = Field(alias="livekitURL")
    instructions: str
    greeting: str | None = None
    language: str = "en"
    providers: ProvidersConfig
    turn_detection: TurnDetection = TurnDetection()
    plugins: list[PluginConfig] = Field(default_factory=list)
    """In the order in which they are asked."""
    mcp_servers: list[McpServerConfig] = Field(default_factory=list)
    max_session_seconds: int = Field(default=3600, ge=1)
    drain_timeout_seconds: int = Field(default=3600, ge=0)
    metrics_enabled: bool = True
    """False measures nothing of calls."""
    metrics_retention_hours: int = Field(default=1, ge=1, le=8760)
    """For how many hours the worker itself shows ended calls. The gateway's history has a setting of its own."""
    transcripts_enabled: bool = False
    """Whether the worker holds what is said in calls, for the gateway to fetch. How long that is kept is the
    gateway's affair."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] = "json"

    def to_json(self) -> str:
        """The file's text: the same for the same values, ended by a newline."""
        return self.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n"


def config_revision(text: str) -> str:
    """The revision of a config file by its text: 10 hexadecimal digits, the same in operator and worker."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]
