"""An existing cluster: what is the sandbox's there, and what is somebody else's."""

import os
import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from voiceagent_sandbox.existing import ExistingCluster, foreign, kind_cluster_of
from voiceagent_sandbox.install import MANIFESTS, manifest
from voiceagent_sandbox.paths import Paths
from voiceagent_sandbox.process import Runner, SandboxError


def named(manifest_text: str) -> set[tuple[str, str]]:
    """Kind and name of each object of a manifest."""
    return {(item["kind"], item["metadata"]["name"]) for item in yaml.safe_load_all(manifest_text)}


@pytest.mark.parametrize("name", sorted(file.stem for file in MANIFESTS.glob("*.yaml")))
def test_a_manifest_without_its_words_still_names_what_to_delete(name: str) -> None:
    words = string.Template((MANIFESTS / f"{name}.yaml").read_text()).get_identifiers()
    assert named(manifest(name)) == named(manifest(name, dict.fromkeys(words, "word")))


def test_a_manifest_lacking_a_word_is_refused_when_it_is_applied() -> None:
    with pytest.raises(KeyError, match="EDGE_NODE"):
        manifest("livekit", {"LIVEKIT_IMAGE": "image"})


def test_every_namespace_says_that_the_sandbox_made_it() -> None:
    assert foreign(list(yaml.safe_load_all(manifest("namespaces")))) == []


def test_what_does_not_say_so_is_somebody_elses() -> None:
    theirs: dict[str, Any] = {"kind": "Namespace", "metadata": {"name": "livekit", "labels": {"team": "voice"}}}
    assert foreign([theirs]) == ["Namespace livekit"]


@pytest.mark.parametrize(
    ("owners", "name"),
    [
        (["kind://docker/here/here-control-plane", "kind://docker/here/here-worker"], "here"),
        (["kind://docker/here/a", "aws:///zone/b"], None),
        (["aws:///zone/b"], None),
        ([""], None),
        ([], None),
    ],
)
def test_a_kind_cluster_is_known_by_all_of_its_nodes(owners: list[str], name: str | None) -> None:
    assert kind_cluster_of([{"spec": {"providerID": owner}} for owner in owners]) == name


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    paths = Paths(repo=tmp_path, cache=tmp_path / "cache", run=tmp_path / "run")
    environ = {"KUBECONFIG": f"{tmp_path / 'one'}{os.pathsep}{tmp_path / 'two'}"}
    existing = ExistingCluster(paths, Runner(tmp_path / "log", environ), environ, Path("kubectl"))
    with pytest.raises(SandboxError, match="two is not there"):
        existing.remember()
