"""The parts of a VoiceAgent's spec that say how it is run: where, how many, how long, for how much."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from voiceagent_api.base import Model
from voiceagent_api.primitives import LiveKitUrl, Quantity, SecretReference, rule, rules, worded

DEFAULT_SESSION_SECONDS = 3600


class LiveKit(Model):
    """Which LiveKit server the agent serves."""

    url: LiveKitUrl | None = Field(
        default=None,
        description="LiveKit address that worker pods connect to (ws:// or wss://). Defaults from the install.",
    )
    public_url: LiveKitUrl | None = Field(
        default=None,
        alias="publicURL",
        description="LiveKit address that browsers are told. Defaults to url, or from the install.",
    )
    credentials_secret_ref: SecretReference | None = Field(
        default=None,
        description="Secret with the keys LIVEKIT_API_KEY and LIVEKIT_API_SECRET. Its name defaults from the install.",
    )


class Scaling(Model):
    """Who decides the number of worker pods, and between which limits."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.minReplicas <= self.maxReplicas",
                "minReplicas must not be more than maxReplicas; lower the first or raise the second",
            ),
            rule(
                "self.minReplicas > 0 || self.warmSessions == 0",
                "minReplicas 0 lets the agent sleep, which warmSessions above 0 would never let it; set one of "
                "minReplicas to at least 1 and warmSessions to 0",
            ),
            rule(
                "self.warmSessions <= self.maxReplicas * self.sessionsPerReplica",
                "warmSessions must fit into maxReplicas * sessionsPerReplica; lower it or raise one of those",
            ),
        )
    )

    mode: Literal["Manual", "Sessions"] = Field(
        default="Manual",
        description="Manual: spec.replicas holds, written by you, kubectl scale, an HPA or KEDA. Sessions: the "
        "operator follows the number of calls, within minReplicas and maxReplicas.",
    )
    min_replicas: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=1, description="Fewest worker pods. 0 lets an agent without callers sleep. For mode Sessions."
    )
    max_replicas: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=10, description="Most worker pods; beyond it callers are told to wait. For mode Sessions."
    )
    sessions_per_replica: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5, description="Calls that one worker pod takes at once. A change rolls the pods."
    )
    warm_sessions: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=0, description="Free places to hold ready beyond the calls that run. For mode Sessions."
    )
    scale_down_stabilization_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=300,
        description="For how many seconds the need for fewer pods must last before pods go. For mode Sessions.",
    )


class Sessions(Model):
    """Limits of one call."""

    max_duration_seconds: Annotated[int, Field(ge=10, le=86400)] = Field(
        default=DEFAULT_SESSION_SECONDS,
        description="Longest call in seconds; the agent then says goodbye and leaves. Hot.",
    )
    memory_limit: Quantity = Field(
        default="512Mi",
        description="Memory that one call may use; the pod's own follows from it. A change rolls the pods.",
    )


class Drain(Model):
    """How long an old pod may finish its calls."""

    timeout_seconds: Annotated[int, Field(ge=10, le=90000)] = Field(
        default=DEFAULT_SESSION_SECONDS,
        description="Longest time in seconds that a pod which must go keeps serving the calls it has. "
        "At least sessions.maxDurationSeconds. A change rolls the pods.",
    )


class Budget(Model):
    """What the agent's providers may cost."""

    per_day: Annotated[
        str,
        Field(
            max_length=16,
            pattern=r"^[0-9]{1,9}(\.[0-9]{1,2})?$",
            json_schema_extra=worded('must be an amount in quotes with at most two decimals, such as "20.00"'),
        ),
    ] = Field(
        description='Most that one day (UTC) may cost by the price list of the install, as a decimal such as "20.00".'
    )
    on_exceeded: Literal["Warn", "Refuse"] = Field(
        default="Warn",
        description="What happens beyond it. Warn: BudgetOK turns False. Refuse: new callers are refused, too, until "
        "the next day (UTC); calls that run go on.",
    )


class Metrics(Model):
    """What is measured of calls, and for how long it is kept."""

    enabled: bool = Field(default=True, description="False measures nothing of calls. A change rolls the pods.")
    retention_hours: Annotated[int, Field(ge=1, le=8760)] = Field(
        default=168, description="For how many hours the gateway keeps the history."
    )


class Transcripts(Model):
    """Whether the words of calls are kept."""

    enabled: bool = Field(default=False, description="True keeps what was said in each call. Hot.")
    retention_hours: Annotated[int, Field(ge=1, le=8760)] = Field(
        default=24, description="For how many hours transcripts are kept."
    )


class Logging(Model):
    """What worker pods write to their logs."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least level logged. Hot.")
    format: Literal["json", "text"] = Field(
        default="json", description="json: one object a line, for machines. text: a line for people. Hot."
    )
