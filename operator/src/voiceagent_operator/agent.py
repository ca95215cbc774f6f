"""From an object off the wire to a VoiceAgent that the rest may rely on."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from voiceagent_api.names import ANNOTATION_PAUSED
from voiceagent_api.voiceagent import VoiceAgentSpec

from voiceagent_operator import reasons
from voiceagent_operator.errors import Hindrance
from voiceagent_operator.objects import Key, Object, annotations, place, uid


@dataclass(frozen=True, slots=True)
class VoiceAgent:
    """A VoiceAgent as its user wrote it."""

    key: Key
    uid: str
    spec: VoiceAgentSpec

    @property
    def wanted_replicas(self) -> int:
        """How many worker pods should run."""
        if self.spec.suspend:
            return 0
        return self.spec.replicas if self.spec.scaling.mode == "Manual" else self.spec.scaling.min_replicas


def parse_agent(body: Object) -> VoiceAgent:
    """The VoiceAgent of an object.

    Raises Hindrance with the field and a sentence where the types refuse it: the API server's schema may be of
    another version than the operator.
    """
    try:
        spec = VoiceAgentSpec.model_validate(body.get("spec") or {})
    except ValidationError as error:
        wrong = "; ".join(f"{_field(detail['loc'])}: {detail['msg']}" for detail in error.errors(include_input=False))
        raise Hindrance(
            reasons.INVALID_SPEC,
            f"The spec cannot be used: {wrong}. Correct it, or install the CRD that belongs to this operator.",
        ) from error
    return VoiceAgent(key=place(body), uid=uid(body), spec=spec)


def is_paused(body: Object) -> bool:
    """Whether an annotation asks to leave this agent's children alone."""
    return annotations(body).get(ANNOTATION_PAUSED) == "true"


def _field(location: tuple[Any, ...]) -> str:
    return ".".join(["spec", *map(str, location)])
