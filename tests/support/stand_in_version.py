"""A second version of VoiceAgents that there is only for tests: v1beta1standin, which names two things otherwise.

It has `spec.prompt` in place of `spec.instructions`, `spec.drain` as a number of seconds, and a field of its own,
`spec.mood`, which v1alpha1 cannot express; it cannot express `spec.suspend`.
"""

from typing import Any

from voiceagent_api.conversion import Spoke, Versions

NAME = "v1beta1standin"


def to_hub(item: dict[str, Any]) -> dict[str, Any]:
    spec = dict(item.get("spec") or {})
    spec.pop("mood", None)
    if "prompt" in spec:
        spec["instructions"] = spec.pop("prompt")
    if "drain" in spec:
        spec["drain"] = {"timeoutSeconds": spec["drain"]}
    return {**item, "spec": spec}


def from_hub(item: dict[str, Any]) -> dict[str, Any]:
    spec = dict(item.get("spec") or {})
    spec.pop("suspend", None)
    if "instructions" in spec:
        spec["prompt"] = spec.pop("instructions")
    if "drain" in spec:
        spec["drain"] = spec["drain"].get("timeoutSeconds", 3600)
    return {**item, "spec": spec}


STAND_IN = Versions("v1alpha1", (Spoke(NAME, to_hub, from_hub),))
