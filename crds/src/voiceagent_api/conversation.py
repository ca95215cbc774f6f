"""The parts of a VoiceAgent's spec that make the conversation: who hears, thinks and speaks, and what may step in.

All of it is hot: a change reaches running pods without a rollout, and the next session uses it.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from voiceagent_api.base import Model
from voiceagent_api.primitives import (
    ConfigMapKeyReference,
    ModelName,
    ProviderName,
    SecretKeyReference,
    SecretReference,
    Url,
    WebUrl,
    rule,
    rules,
    worded,
)

PLUGIN_NAME_PATTERN = r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$"
MOST_FALLBACKS = 8
MOST_PLUGINS = 32
MOST_MCP_SERVERS = 16


class InstructionsSource(Model):
    """Where the instructions are kept, when not in the VoiceAgent itself."""

    config_map_key_ref: ConfigMapKeyReference = Field(
        description="Key of a ConfigMap that holds the instructions. A change of it is hot."
    )


class ModelChoice(Model):
    """A provider and what to ask of it."""

    provider: ProviderName = Field(description="Name of the provider, for example openai or deepgram.")
    model: ModelName | None = Field(default=None, description="Model to ask for. Defaults to the provider's usual one.")
    base_url: Url | None = Field(
        default=None,
        alias="baseURL",
        description="Address of a server that speaks the provider's protocol. Defaults from the install, "
        "else to the provider's own service.",
    )
    credentials_secret_ref: SecretKeyReference | None = Field(
        default=None,
        description="Secret with the provider's key. Defaults from the install, by provider. "
        "The file is read at each session's start, so a rotated key needs no rollout.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="Further options of the provider, by the names that its LiveKit plugin gives them, "
        "for example temperature; docs/providers.md lists them.",
    )


class SpokenChoice(ModelChoice):
    """A provider that speaks."""

    voice: ModelName | None = Field(default=None, description="Voice to speak with, as the provider names it.")


class Provider(ModelChoice):
    """A provider of speech to text or language, and whom to turn to when it fails."""

    fallbacks: list[ModelChoice] = Field(
        default_factory=list,
        max_length=MOST_FALLBACKS,
        description="Whom to turn to, in this order, when the provider fails or is out of reach.",
    )


class TtsProvider(SpokenChoice):
    """The provider of the agent's voice, and whom to turn to when it fails."""

    fallbacks: list[SpokenChoice] = Field(
        default_factory=list,
        max_length=MOST_FALLBACKS,
        description="Whom to turn to, in this order, when the provider fails or is out of reach.",
    )


class Providers(Model):
    """The models that make a spoken conversation: three, or one that does it all."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.realtime) || (has(self.stt) && has(self.llm) && has(self.tts))",
                "name all of stt, llm and tts, or realtime in place of the three",
            ),
            rule(
                "!has(self.realtime) || !(has(self.stt) || has(self.llm) || has(self.tts))",
                "realtime takes the place of stt, llm and tts; keep it or the three, not both",
            ),
        )
    )

    stt: Provider | None = Field(default=None, description="Speech to text: what the caller said.")
    llm: Provider | None = Field(default=None, description="Language model: what to answer.")
    tts: TtsProvider | None = Field(default=None, description="Text to speech: the agent's voice.")
    realtime: SpokenChoice | None = Field(
        default=None, description="One model that hears, thinks and speaks, in place of stt, llm and tts."
    )


class Endpointing(Model):
    """How long a silence must be to end the caller's turn."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.minDelayMilliseconds <= self.maxDelayMilliseconds",
                "minDelayMilliseconds must not be more than maxDelayMilliseconds; lower the first or raise the second",
            )
        )
    )

    min_delay_milliseconds: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=500, description="Shortest silence in milliseconds after which the caller's turn may end."
    )
    max_delay_milliseconds: Annotated[int, Field(ge=0, le=30_000)] = Field(
        default=3000, description="Longest silence in milliseconds, after which the caller's turn ends anyway."
    )


class Interruption(Model):
    """Whether the caller may talk over the agent."""

    enabled: bool = Field(default=True, description="True lets the caller interrupt the agent by speaking.")


class TurnDetection(Model):
    """How the end of the caller's turn is found."""

    mode: Literal["vad", "model", "stt", "manual"] = Field(
        default="vad",
        description="vad: by silence. model: by silence and a model of what was said. stt: by the speech-to-text "
        "provider. manual: by the client, as with push-to-talk.",
    )
    endpointing: Endpointing = Field(
        default_factory=Endpointing, description="How long a silence must be to end the caller's turn."
    )
    interruption: Interruption = Field(
        default_factory=Interruption, description="Whether the caller may talk over the agent."
    )


class PluginWebhook(Model):
    """A plugin that runs elsewhere."""

    url: WebUrl = Field(description="Where messages are posted (https://, or http:// within the cluster).")
    secret_ref: SecretReference | None = Field(
        default=None, description="Secret whose key WEBHOOK_SECRET signs each message, so that the receiver can check."
    )


class Plugin(Model):
    """A step that what the caller and the agent say passes through."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=63,
            pattern=PLUGIN_NAME_PATTERN,
            json_schema_extra=worded("may have lower-case letters, digits, hyphens and underscores only"),
        ),
    ] = Field(
        description="Name of a plugin of the worker image; with webhook, a name of your own for metrics and logs."
    )
    webhook: PluginWebhook | None = Field(
        default=None, description="Makes this a plugin of your own, at an address, in place of one of the image."
    )
    timeout_milliseconds: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=200, description="Longest time in milliseconds that the plugin may take for one message."
    )
    on_error: Literal["Skip", "Fail"] = Field(
        default="Skip",
        description="What happens when the plugin fails or is late. Skip: the message goes on as it was. "
        "Fail: that turn is answered by an apology, and the call goes on.",
    )
    config: dict[str, Any] = Field(default_factory=dict, description="Settings of the plugin, in its own words.")


class McpServer(Model):
    """A server of tools that the language model may call (Model Context Protocol)."""

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=63,
            pattern=PLUGIN_NAME_PATTERN,
            json_schema_extra=worded("may have lower-case letters, digits, hyphens and underscores only"),
        ),
    ] = Field(description="Name for metrics, logs and error messages; unique within the agent.")
    url: WebUrl = Field(description="Address of the server's HTTP endpoint.")
    transport: Literal["StreamableHTTP", "SSE"] = Field(
        default="StreamableHTTP", description="How the server is spoken to; SSE is the older way."
    )
    secret_ref: SecretKeyReference | None = Field(
        default=None, description="Secret whose key (MCP_TOKEN by default) is sent as bearer token."
    )
