"""Wrong VoiceAgents, each with the field and the sentence that kubectl shows for it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).with_name("wrong_manifests.yaml")
NOT_ALL_CHECKED = "some validation rules were not checked because the object was invalid"
"""Beside most errors, and of no help."""
CORPUS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))


def sentences(cluster: Any, document: dict[str, Any]) -> list[str]:
    """What kubectl shows for a document that the API server refuses, without what all errors begin with."""
    done = cluster.kubectl("create", "--dry-run=server", "-f", "-", text=json.dumps(document))
    assert done.returncode != 0, f"taken: {document}"
    _, separator, told = done.stderr.partition(" is invalid: ")
    if not separator:
        return [done.stderr.strip().rpartition("strict decoding error: ")[2]]
    lines = (line.removeprefix("* ") for line in told.strip().splitlines() if line)
    return sorted(line for line in lines if NOT_ALL_CHECKED not in line)


@pytest.fixture(scope="module")
def found(cluster: Any) -> dict[str, list[str]]:
    """The sentences for each of the corpus; written into its file if asked to."""
    namespace = "wrong-manifests"
    cluster.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
    example = yaml.safe_load((Path(__file__).parents[3] / "crds/examples/receptionist.yaml").read_text())
    told = {}
    for case in CORPUS:
        spec = {key: value for key, value in (example["spec"] | case["spec"]).items() if value is not None}
        metadata = {"name": case.get("name", "receptionist"), "namespace": namespace}
        told[case["what"]] = sentences(cluster, {**example, "metadata": metadata, "spec": spec})
    if os.environ.get("UPDATE_GOLDEN"):
        head = FILE.read_text(encoding="utf-8").partition("- what:")[0]
        cases = [{**case, "says": told[case["what"]]} for case in CORPUS]
        FILE.write_text(head + yaml.safe_dump(cases, sort_keys=False, width=120), encoding="utf-8")
    return told


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["what"])
def test_it_is_refused_with_the_field_and_a_sentence(case: dict[str, Any], found: dict[str, list[str]]) -> None:
    assert found[case["what"]] == case["says"]


def test_the_corpus_is_large_and_shows_nobody_a_bare_pattern() -> None:
    assert len(CORPUS) >= 60
    assert not [sentence for case in CORPUS for sentence in case["says"] if "should match" in sentence]
