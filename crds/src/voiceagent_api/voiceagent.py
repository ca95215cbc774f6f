"""The VoiceAgent's spec as a user writes it. Descriptions are what `kubectl explain` prints."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from voiceagent_api.base import Model
from voiceagent_api.conversation import (
    MOST_MCP_SERVERS,
    MOST_PLUGINS,
    InstructionsSource,
    McpServer,
    Plugin,
    Providers,
    TurnDetection,
)
from voiceagent_api.names import NAME_MAX_LENGTH
from voiceagent_api.pod_template import PodTemplate, ResourceAmounts
from voiceagent_api.primitives import NAME_PATTERN, SecretReference, rule, rules, worded
from voiceagent_api.running import Budget, Drain, LiveKit, Logging, Metrics, Scaling, Sessions, Transcripts

INSTRUCTIONS_MAX_BYTES: Final = 131072


class VoiceAgentSpec(Model):
    """What a team wants of its voice agent."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.instructions) != has(self.instructionsFrom)",
                "give exactly one of instructions and instructionsFrom",
            ),
        )
    )

    agent_name: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=128,
                pattern=r"^[A-Za-z0-9._-]+$",
                json_schema_extra=worded("may have letters, digits, dots, hyphens and underscores only"),
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="LiveKit dispatch name. Defaults to NAMESPACE-NAME. Cannot be added, removed or changed later.",
    )
    instructions: Annotated[str, Field(min_length=1, max_length=INSTRUCTIONS_MAX_BYTES)] | None = Field(
        default=None,
        description="The system prompt: who the agent is, what it does and how it talks; at most 128 KiB. Hot: the "
        "next session uses it.",
        json_schema_extra=rules(
            rule(
                f"size(bytes(self)) <= {INSTRUCTIONS_MAX_BYTES}",
                "instructions may have at most 128 KiB (131072 bytes of UTF-8); shorten them, or give the model what "
                "it must look up by a tool",
            )
        ),
    )
    instructions_from: InstructionsSource | None = Field(
        default=None, description="Where the instructions are kept, in place of instructions."
    )
    greeting: Annotated[str, Field(max_length=4096)] | None = Field(
        default=None, description="What the agent says first. Without it, it waits for the caller. Hot."
    )
    language: Annotated[
        str,
        Field(
            max_length=35,
            pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
            json_schema_extra=worded("must be a BCP 47 tag, such as en or fr-CA"),
        ),
    ] = Field(default="en", description="Language of the conversation as a BCP 47 tag, for example en or fr-CA. Hot.")
    livekit: LiveKit = Field(
        default_factory=LiveKit, description="Which LiveKit server the agent serves. A change rolls the pods."
    )
    providers: Providers = Field(
        description="Who hears, thinks and speaks. Hot, as long as the pods have every Secret that is named."
    )
    turn_detection: TurnDetection = Field(
        default_factory=TurnDetection, description="How the end of the caller's turn is found. Hot."
    )
    plugins: list[Plugin] = Field(
        default_factory=list,
        max_length=MOST_PLUGINS,
        description="Steps that what is said passes through, in this order. Hot.",
        json_schema_extra=rules(
            rule(
                "self.all(one, self.filter(other, other.name == one.name).size() == 1)",
                "each plugin needs a name of its own; rename or remove the second one",
            )
        ),
    )
    mcp_servers: list[McpServer] = Field(
        default_factory=list,
        max_length=MOST_MCP_SERVERS,
        description="Servers of tools that the language model may call. Hot.",
        json_schema_extra=rules(
            rule(
                "self.all(one, self.filter(other, other.name == one.name).size() == 1)",
                "each of mcpServers needs a name of its own; rename or remove the second one",
            )
        ),
    )
    replicas: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=1,
        description="Number of worker pods with scaling.mode Manual. Written by you, kubectl scale, an HPA or KEDA.",
    )
    scaling: Scaling = Field(
        default_factory=Scaling, description="Who decides the number of worker pods, and between which limits."
    )
    sessions: Sessions = Field(default_factory=Sessions, description="Limits of one call.")
    drain: Drain = Field(default_factory=Drain, description="How long an old pod may finish its calls.")
    budget: Budget | None = Field(default=None, description="What the agent's providers may cost.")
    metrics: Metrics = Field(
        default_factory=Metrics, description="What is measured of calls, and for how long it is kept."
    )
    transcripts: Transcripts = Field(default_factory=Transcripts, description="Whether the words of calls are kept.")
    logging: Logging = Field(default_factory=Logging, description="What worker pods write to their logs. Hot.")
    suspend: bool = Field(
        default=False, description="True takes all worker pods away and keeps the VoiceAgent and its settings."
    )
    image: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=1024,
                pattern=r"^[^\s]+$",
                json_schema_extra=worded("must be the name of an image, without spaces"),
            ),
        ]
        | None
    ) = Field(default=None, description="Worker image. Defaults from the install. A change rolls the pods.")
    image_pull_secrets: list[SecretReference] = Field(
        default_factory=list, max_length=16, description="Secrets for pulling the image. A change rolls the pods."
    )
    resources: ResourceAmounts = Field(
        default_factory=ResourceAmounts,
        description="Requests and limits of the worker container. What is left out has a default. A change rolls "
        "the pods.",
    )
    pod_template: PodTemplate = Field(
        default_factory=PodTemplate, description="What to add to the worker pods. A change rolls them."
    )


ROOT_RULES: tuple[dict[str, str], ...] = (
    rule(
        f"size(self.metadata.name) <= {NAME_MAX_LENGTH}",
        f"metadata.name may have at most {NAME_MAX_LENGTH} characters, so that the names of pods and "
        "labels made from it fit; choose a shorter one",
        ".metadata.name",
    ),
    rule(
        f"self.metadata.name.matches('{NAME_PATTERN}')",
        "metadata.name may have lower-case letters, digits and hyphens only and must begin with a letter, "
        "since a Service gets the same name",
        ".metadata.name",
    ),
    rule(
        "self.spec.drain.timeoutSeconds >= self.spec.sessions.maxDurationSeconds",
        "spec.drain.timeoutSeconds must be at least spec.sessions.maxDurationSeconds, or a rollout would "
        "cut calls; raise the first or lower the second",
        ".spec.drain.timeoutSeconds",
    ),
    rule(
        "has(self.spec.agentName) == has(oldSelf.spec.agentName) && "
        "(!has(self.spec.agentName) || self.spec.agentName == oldSelf.spec.agentName)",
        "spec.agentName cannot be added, removed or changed, since callers are dispatched by it; "
        "make a new VoiceAgent instead",
        ".spec.agentName",
    ),
)
"""CEL rules at the root of the CRD's schema: what one object can know of itself."""
