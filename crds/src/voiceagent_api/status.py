"""The VoiceAgent's status, and the words of its conditions."""

from typing import Annotated, Final, Literal

from pydantic import Field

from voiceagent_api.base import Model

CONDITION_READY: Final = "Ready"
CONDITION_RECONCILING: Final = "Reconciling"
CONDITION_STALLED: Final = "Stalled"
CONDITION_PROVIDERS_READY: Final = "ProvidersReady"


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


class VoiceAgentStatus(Model):
    """What the operator last saw."""

    observed_generation: int | None = Field(default=None, description="metadata.generation last reconciled.")
    config_revision: str | None = Field(default=None, description="Revision of the config file that pods should have.")
    agent_name: str | None = Field(default=None, description="LiveKit dispatch name in force.")
    selector: str | None = Field(
        default=None, description="Label selector of the worker pods, for the scale subresource."
    )
    replicas: int | None = Field(default=None, description="Worker pods that exist.")
    ready_replicas: int | None = Field(default=None, description="Worker pods that are registered and not draining.")
    updated_replicas: int | None = Field(default=None, description="Worker pods of the newest revision.")
    ready_summary: str | None = Field(default=None, description="Ready of wanted pods, for example 2/2.")
    conditions: list[Condition] = Field(
        default_factory=list,
        description="Ready, Reconciling, Stalled and ProvidersReady.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
