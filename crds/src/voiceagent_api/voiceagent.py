"""The VoiceAgent's spec as a user writes it. Descriptions are what `kubectl explain` prints."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from voiceagent_api.base import Model
from voiceagent_api.names import NAME_MAX_LENGTH

INSTRUCTIONS_MAX_LENGTH = 131072
NAME_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
URL_PATTERN = r"^(https?|wss?)://[^\s/?#]+[^\s]*$"
PROVIDER_PATTERN = r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$"
OBJECT_NAME_PATTERN = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
QUANTITY_PATTERN = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=OBJECT_NAME_PATTERN)]
Url = Annotated[str, Field(max_length=2048, pattern=URL_PATTERN)]
Quantity = Annotated[
    Annotated[int, Field(ge=0)] | Annotated[str, Field(max_length=64, pattern=QUANTITY_PATTERN)],
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "maxLength": 64,
            "pattern": QUANTITY_PATTERN,
            "x-kubernetes-int-or-string": True,
        }
    ),
]
"""An amount as Kubernetes writes it: 2, 250m, 768Mi."""


class SecretReference(Model):
    """A Secret in the VoiceAgent's own namespace."""

    name: ObjectName = Field(description="Name of a Secret in the VoiceAgent's namespace.")


class SecretKeyReference(Model):
    """One key of a Secret in the VoiceAgent's own namespace."""

    name: ObjectName = Field(description="Name of a Secret in the VoiceAgent's namespace.")
    key: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")] | None = Field(
        default=None,
        description="Key of that Secret which holds the credential. Defaults to the provider's usual name, "
        "for example OPENAI_API_KEY.",
    )


class LiveKit(Model):
    """Which LiveKit server the agent serves."""

    url: Url | None = Field(
        default=None,
        description="LiveKit address that worker pods connect to (ws:// or wss://). Defaults from the install.",
    )
    public_url: Url | None = Field(
        default=None,
        alias="publicURL",
        description="LiveKit address that browsers are told. Defaults to url, or from the install.",
    )
    credentials_secret_ref: SecretReference | None = Field(
        default=None,
        description="Secret with the keys LIVEKIT_API_KEY and LIVEKIT_API_SECRET. Its name defaults from the install.",
    )


class Provider(Model):
    """One provider of speech to text, language or speech."""

    provider: Annotated[str, Field(min_length=1, max_length=63, pattern=PROVIDER_PATTERN)] = Field(
        description="Name of the provider, for example openai or deepgram."
    )
    model: Annotated[str, Field(min_length=1, max_length=253)] | None = Field(
        default=None, description="Model to ask for. Defaults to the provider's usual one."
    )
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
        "for example temperature.",
    )


class TtsProvider(Provider):
    """The provider of the agent's voice."""

    voice: Annotated[str, Field(min_length=1, max_length=253)] | None = Field(
        default=None, description="Voice to speak with, as the provider names it."
    )


class Providers(Model):
    """The three models that make a spoken conversation."""

    stt: Provider = Field(description="Speech to text: what the caller said.")
    llm: Provider = Field(description="Language model: what to answer.")
    tts: TtsProvider = Field(description="Text to speech: the agent's voice.")


class Scaling(Model):
    """Who decides the number of worker pods."""

    mode: Literal["Manual"] = Field(
        default="Manual",
        description="Manual: spec.replicas holds, written by you, kubectl scale, an HPA or KEDA.",
    )


class Sessions(Model):
    """Limits of one call."""

    max_duration_seconds: Annotated[int, Field(ge=10, le=86400)] = Field(
        default=3600, description="Longest call in seconds; the agent then says goodbye and leaves."
    )


class Drain(Model):
    """How long an old pod may finish its calls."""

    timeout_seconds: Annotated[int, Field(ge=10, le=90000)] = Field(
        default=3600,
        description="Longest time in seconds that a pod which must go keeps serving the calls it has. "
        "At least sessions.maxDurationSeconds.",
    )


class Logging(Model):
    """What worker pods write to their logs."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least level logged.")


class ResourceAmounts(Model):
    """Requests and limits of the worker container."""

    requests: dict[str, Quantity] = Field(
        default_factory=dict, max_length=16, description="Resources that a pod is guaranteed, such as cpu: 250m."
    )
    limits: dict[str, Quantity] = Field(
        default_factory=dict, max_length=16, description="Resources that a pod may use at most, such as memory: 2Gi."
    )


class VoiceAgentSpec(Model):
    """What a team wants of its voice agent."""

    agent_name: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._-]+$")] | None = Field(
        default=None,
        description="LiveKit dispatch name. Defaults to NAMESPACE-NAME. Cannot be added, removed or changed later.",
    )
    instructions: Annotated[str, Field(min_length=1, max_length=INSTRUCTIONS_MAX_LENGTH)] = Field(
        description="The system prompt: who the agent is, what it does and how it talks. Hot: the next session uses it."
    )
    greeting: Annotated[str, Field(max_length=4096)] | None = Field(
        default=None, description="What the agent says first. Without it, it waits for the caller. Hot."
    )
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = Field(
        default="en", description="Language of the conversation as a BCP 47 tag, for example en or fr-CA. Hot."
    )
    livekit: LiveKit = Field(
        default_factory=LiveKit, description="Which LiveKit server the agent serves. A change rolls the pods."
    )
    providers: Providers = Field(description="Who hears, thinks and speaks.")
    replicas: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=1, description="Number of worker pods. Written by kubectl scale, an HPA or KEDA."
    )
    scaling: Scaling = Field(default_factory=Scaling, description="Who decides the number of worker pods.")
    sessions: Sessions = Field(default_factory=Sessions, description="Limits of one call.")
    drain: Drain = Field(default_factory=Drain, description="How long an old pod may finish its calls.")
    logging: Logging = Field(default_factory=Logging, description="What worker pods write to their logs. Hot.")
    suspend: bool = Field(
        default=False, description="True takes all worker pods away and keeps the VoiceAgent and its settings."
    )
    image: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[^\s]+$")] | None = Field(
        default=None, description="Worker image. Defaults from the install."
    )
    image_pull_secrets: list[SecretReference] = Field(
        default_factory=list, max_length=16, description="Secrets for pulling the image."
    )
    resources: ResourceAmounts = Field(
        default_factory=ResourceAmounts,
        description="Requests and limits of the worker container. What is left out has a default.",
    )


ROOT_RULES: tuple[dict[str, str], ...] = (
    {
        "rule": f"size(self.metadata.name) <= {NAME_MAX_LENGTH}",
        "message": f"metadata.name may have at most {NAME_MAX_LENGTH} characters, so that the names of pods and "
        "labels made from it fit; choose a shorter one",
    },
    {
        "rule": f"self.metadata.name.matches('{NAME_PATTERN}')",
        "message": "metadata.name may have lower-case letters, digits and hyphens only and must begin with a letter, "
        "since a Service gets the same name",
    },
    {
        "rule": "self.spec.drain.timeoutSeconds >= self.spec.sessions.maxDurationSeconds",
        "message": "spec.drain.timeoutSeconds must be at least spec.sessions.maxDurationSeconds, or a rollout would "
        "cut calls; raise the first or lower the second",
    },
    {
        "rule": "has(self.spec.agentName) == has(oldSelf.spec.agentName) && "
        "(!has(self.spec.agentName) || self.spec.agentName == oldSelf.spec.agentName)",
        "message": "spec.agentName cannot be added, removed or changed, since callers are dispatched by it; "
        "make a new VoiceAgent instead",
    },
)
"""CEL rules at the root of the CRD's schema: what one object can know of itself."""
