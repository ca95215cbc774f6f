"""A manifest is judged as the API server would judge it, and where it goes further, by the catalogue."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from voiceagent_cli import rules
from voiceagent_cli.checks import problems_of

REPOSITORY = Path(__file__).resolve().parents[3]
LEFT_TO_THE_API_SERVER = {
    "has(self.spec.agentName) == has(oldSelf.spec.agentName) && "
    "(!has(self.spec.agentName) || self.spec.agentName == oldSelf.spec.agentName)",
}
"""It needs what was before."""


def example(**spec: Any) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((REPOSITORY / "crds/examples/receptionist.yaml").read_text())
    document["spec"] |= spec
    return document


def test_every_example_is_right() -> None:
    for path in (REPOSITORY / "crds/examples").glob("*.yaml"):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if document["kind"] == "VoiceAgent":
                assert problems_of(document) == []


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"replcas": 1}, 'spec.replcas: there is no such field. Did you mean "replicas"?'),
        ({"replicas": "3"}, "spec.replicas: must be a whole number"),
        ({"language": "EN!"}, "spec.language: must be a BCP 47 tag, such as en or fr-CA"),
        ({"suspend": "maybe"}, "spec.suspend: must be true or false"),
        (
            {"instructionsFrom": {"configMapKeyRef": {"name": "x", "key": "k"}}},
            "spec: give exactly one of instructions and instructionsFrom",
        ),
        ({"plugins": [{"name": "example"}] * 2}, "spec.plugins: each plugin needs a name of its own"),
        ({"plugins": [{"name": "exmple"}]}, 'spec.plugins "exmple" is not known'),
        ({"scaling": {"minReplicas": 11}}, "spec.scaling: minReplicas must not be more than maxReplicas"),
        ({"turnDetection": {"mode": "vda"}}, "spec.turnDetection.mode: must be 'vad', 'model', 'stt' or 'manual'"),
        ({"sessions": {"memoryLimit": "x y"}}, "spec.sessions.memoryLimit: must be an amount"),
        ({"sessions": {"maxDurationSeconds": 7200}}, "spec.drain.timeoutSeconds must be at least"),
        ({"providers": {"stt": {"provider": "deepgram"}}}, "spec.providers: name all of stt, llm and tts"),
        ({"podTemplate": {"env": [{"name": "X", "value": 1}]}}, "spec.podTemplate.env[0].value: must be text"),
        ({"instructions": "ü" * 70_000}, "spec.instructions: instructions may have at most 128 KiB"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(spec: dict[str, Any], says: str) -> None:
    assert any(str(problem).startswith(says) for problem in problems_of(example(**spec)))


def test_options_and_fallbacks_are_checked_against_the_catalogue() -> None:
    providers = example()["spec"]["providers"]
    providers["llm"] |= {"options": {"temprature": 1}, "fallbacks": [{"provider": "antropic"}]}
    told = " ".join(map(str, problems_of(example(providers=providers))))
    assert 'Did you mean "temperature"?' in told
    assert 'spec.providers.llm.fallbacks[0].provider "antropic" is not known. Did you mean "anthropic"?' in told


def test_an_image_of_its_own_may_have_names_that_nobody_here_knows() -> None:
    assert problems_of(example(image="mine:1", plugins=[{"name": "own"}])) == []
    assert problems_of(example(plugins=[{"name": "own"}]), unlisted=True) == []


def test_null_is_as_good_as_left_out() -> None:
    assert problems_of(example(drain=None)) == []


@pytest.mark.parametrize("document", [{}, {"spec": 3}, {"metadata": 3, "spec": []}, {"spec": {"providers": 1}}])
def test_a_shape_that_is_all_wrong_is_told_too(document: dict[str, Any]) -> None:
    assert problems_of(document)


def test_every_rule_of_the_crd_has_its_twin() -> None:
    said = {rule for path, rule in every_rule(rules.crd_schema()) if not path.startswith(".spec.podTemplate")}
    patterns = {rule for rule in said if rules._PATTERN.match(rule) or rules._AMOUNT.match(rule)}
    assert said - patterns == set(rules.TWINS) | LEFT_TO_THE_API_SERVER


def every_rule(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield path, rule["rule"]
    for name, inner in schema.get("properties", {}).items():
        yield from every_rule(inner, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from every_rule(schema[name], path)
