"""The VoiceAgent's status, and the words of its conditions."""

from typing import Annotated, Final, Literal

from pydantic import Field

from voiceagent_api.base import Model

CONDITION_READY: Final = "Ready"
CONDITION_RECONCILING: Final = "Reconciling"
CONDITION_STALLED: Final = "Stalled"
CONDITION_CONFIG_SYNCED: Final = "ConfigSynced"
CONDITION_PROVIDERS_READY: Final = "ProvidersReady"
CONDITION_SCALING_ACTIVE: Final = "ScalingActive"
CONDITION_BUDGET_OK: Final = "BudgetOK"


class Condition(Model):
    """One condition in the form of metav1.Condition."""

    type: Annotated[str, Field(min_length=1, max_length=316)] = Field(description="What the condition speaks of.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    observed_generation: Annotated[int, Field(ge=0)] = Field(
        default=0, description="metadata.generation that the condition was set from."
    )
    last_transition_time: str = Field(
        description="When status last changed.", json_schema_extra={"format": "date-time"}
    )
    reason: Annotated[str, Field(min_length=1, max_length=1024)] = Field(description="One word for programs.")
    message: Annotated[str, Field(max_length=32768)] = Field(description="What is so and what to do, for people.")


class DrainingPods(Model):
    """Pods of one revision that take no new calls and finish those they have."""

    revision: str = Field(description="Revision of these pods.")
    pods: Annotated[int, Field(ge=0)] = Field(description="How many of them there are.")
    sessions: Annotated[int, Field(ge=0)] = Field(description="Calls that they still serve.")
    deadline: str | None = Field(
        default=None,
        description="When the last of them is ended, whatever it serves.",
        json_schema_extra={"format": "date-time"},
    )


class Latency(Model):
    """How long callers waited for an answer, from their last sound to the agent's first."""

    window: str = Field(description="Time that was looked at, for example 5m.")
    e2e_p50_milliseconds: Annotated[int, Field(ge=0)] | None = Field(
        default=None, alias="e2eP50Milliseconds", description="Half of the answers came within this time."
    )
    e2e_p95_milliseconds: Annotated[int, Field(ge=0)] | None = Field(
        default=None, alias="e2eP95Milliseconds", description="95 of 100 answers came within this time."
    )


class Demand(Model):
    """Callers who wait for an agent that sleeps; written by the gateway."""

    waiting: Annotated[int, Field(ge=0)] = Field(default=0, description="How many callers wait.")
    last_asked_time: str | None = Field(
        default=None, description="When one last asked.", json_schema_extra={"format": "date-time"}
    )


class Usage(Model):
    """What the agent's providers were used for on one day; written by the gateway."""

    day: str | None = Field(default=None, description="The day (UTC), for example 2026-01-31.")
    cost: str | None = Field(
        default=None,
        description='Cost by the price list of the install, for example "3.20"; without what the models in unpriced '
        "cost.",
    )
    currency: str | None = Field(default=None, description="What cost is counted in, for example USD.")
    unpriced: list[str] | None = Field(
        default=None,
        description="Models that were used and have no price, as KIND.PROVIDER/MODEL: a key that prices may have.",
    )
    llm_prompt_tokens: Annotated[int, Field(ge=0)] = Field(default=0, description="Tokens that models read.")
    llm_completion_tokens: Annotated[int, Field(ge=0)] = Field(default=0, description="Tokens that models wrote.")
    tts_characters: Annotated[int, Field(ge=0)] = Field(default=0, description="Characters that were spoken.")
    tts_audio_seconds: Annotated[int, Field(ge=0)] = Field(default=0, description="Seconds of speech that were made.")
    stt_audio_seconds: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Seconds of speech that were written down."
    )
    observed_time: str | None = Field(
        default=None, description="When this was so.", json_schema_extra={"format": "date-time"}
    )


class VoiceAgentStatus(Model):
    """What the operator last saw."""

    observed_generation: int | None = Field(default=None, description="metadata.generation last reconciled.")
    config_revision: str | None = Field(default=None, description="Revision of the config file that pods should have.")
    revision: str | None = Field(default=None, description="Revision of the pod template that pods should have.")
    agent_name: str | None = Field(default=None, description="LiveKit dispatch name in force.")
    selector: str | None = Field(
        default=None, description="Label selector of the worker pods, for the scale subresource."
    )
    replicas: int | None = Field(default=None, description="Worker pods that exist.")
    ready_replicas: int | None = Field(default=None, description="Worker pods that are registered and not draining.")
    updated_replicas: int | None = Field(default=None, description="Worker pods of the newest revision.")
    active_sessions: int | None = Field(default=None, description="Calls that run, as last read from the pods.")
    session_capacity: int | None = Field(default=None, description="Calls that the ready pods take at once.")
    ready_summary: str | None = Field(default=None, description="Ready of wanted pods, for example 2/2.")
    sessions_summary: str | None = Field(default=None, description="Calls of places for them, for example 5/20.")
    draining: list[DrainingPods] | None = Field(
        default=None, description="Pods that take no new calls and finish those they have, by revision."
    )
    latency: Latency | None = Field(default=None, description="How long callers waited for answers.")
    demand: Demand | None = Field(
        default=None, description="Callers who wait for an agent that sleeps; written by the gateway."
    )
    usage: Usage | None = Field(default=None, description="What the agent used today; written by the gateway.")
    conditions: list[Condition] = Field(
        default_factory=list,
        description="Ready, Reconciling, Stalled, ConfigSynced, ProvidersReady, ScalingActive and BudgetOK.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )


OPERATOR_STATUS_FIELDS: Final = tuple(
    field.alias or name for name, field in VoiceAgentStatus.model_fields.items() if name not in ("demand", "usage")
)
"""The fields of status, as on the wire, that the operator owns; the others are the gateway's."""
