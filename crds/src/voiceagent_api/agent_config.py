"""The agent's config file (`agent.json`): what the operator writes and a worker pod reads. It holds no secret."""

import hashlib
from typing import Any, Literal

from pydantic import Field

from voiceagent_api.base import Model


class ProviderConfig(Model):
    """A provider with every default filled in."""

    provider: str
    model: str
    voice: str | None = None
    base_url: str | None = Field(default=None, alias="baseURL")
    credentials_path: str | None = None
    """File that holds the key; read at each session's start."""
    options: dict[str, Any] = Field(default_factory=dict)


class ProvidersConfig(Model):
    """The three providers of a session."""

    stt: ProviderConfig
    llm: ProviderConfig
    tts: ProviderConfig


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
    max_session_seconds: int = 3600
    drain_timeout_seconds: int = 3600
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def to_json(self) -> str:
        """The file's text: the same for the same values, ended by a newline."""
        return self.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n"


def config_revision(text: str) -> str:
    """The revision of a config file by its text: 10 hexadecimal digits, the same in operator and worker."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]
