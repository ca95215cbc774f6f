"""Manifests by chance: no valid one is refused, and none that the API server takes stops the operator."""

import json
import urllib.error
import urllib.request
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifests import specs, valid_specs

TAKEN = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
MOST_PODS = 2
MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def refusal(space: Any, spec: dict[str, Any], name: str = "by-chance", *, dry: bool) -> str:
    """What the API server says against a VoiceAgent with this spec; empty where it takes it."""
    path = f"/apis/voiceagents.dev/v1alpha1/namespaces/{space.name}/voiceagents?fieldValidation=Strict"
    body = {"apiVersion": "voiceagents.dev/v1alpha1", "kind": "VoiceAgent", "metadata": {"name": name}, "spec": spec}
    try:
        space.cluster.post(path + ("&dryRun=All" if dry else ""), body)
    except urllib.error.HTTPError as error:
        return str(json.loads(error.read())["message"])
    return ""


def with_few_pods(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec with no more pods than the control plane's controllers make in a moment."""
    scaling = dict(spec.get("scaling", {}))
    for field in ("minReplicas", "maxReplicas"):
        if field in scaling:
            scaling[field] = min(scaling[field], MOST_PODS)
    if "warmSessions" in scaling:
        scaling["warmSessions"] = min(scaling["warmSessions"], scaling.get("maxReplicas", MOST_PODS))
    return {**spec, "replicas": spec.get("replicas", 1) % (MOST_PODS + 1), **({"scaling": scaling} if scaling else {})}


def test_no_valid_manifest_is_refused(bare_space: Any) -> None:
    @MANY
    @given(spec=valid_specs())
    def holds(spec: dict[str, Any]) -> None:
        assert refusal(bare_space, spec, dry=True) == ""

    holds()


def test_no_manifest_that_is_taken_stops_the_operator(operator: Any, space: Any) -> None:
    names: list[str] = []
    said_before = len(operator.log.read_text())

    @TAKEN
    @given(spec=st.one_of(valid_specs(), specs()))
    def take(spec: dict[str, Any]) -> None:
        name = f"by-chance-{len(names)}"
        if not refusal(space, with_few_pods(spec), name, dry=False):
            names.append(name)

    take()
    assert len(names) >= 100

    untold = set(names)

    def told() -> bool:
        untold.difference_update([name for name in untold if space.condition(name=name).get("message")])
        return not untold

    try:
        space.cluster.until(told, "a Ready condition on each of them", 240)
    except AssertionError as error:
        name = min(untold)
        said = [line for line in operator.log.read_text()[said_before:].splitlines() if f'"{name}"' in line][-5:]
        told_of = f"{len(untold)} of {len(names)} have none, such as {space.get('voiceagents', name)}"
        raise AssertionError(f"{error}: {told_of}; the operator's last words on it: {said}") from None
    assert operator.asks("/healthz") == 200
    assert operator.process.poll() is None
    assert "Traceback" not in operator.log.read_text()[said_before:]
