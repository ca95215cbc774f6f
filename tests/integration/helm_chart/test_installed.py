"""The chart, installed, upgraded and removed by helm on an API server: twice in one cluster, and the CRD stays."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chart import CHART
from control_plane import ADMINISTRATOR, Cluster, control_plane

CRD = "voiceagents.voiceagents.dev"
FIRST, SECOND = ("voice", "first"), ("voice", "second")
"""Release and namespace of two installs that differ in the latter only."""
SECONDS_OWN = ("crds.enabled=false", "operator.namespaces={blue}")


class Helm:
    """The pinned helm, as the cluster's administrator."""

    def __init__(self, cluster: Cluster, home: Path) -> None:
        self.cluster, self.home = cluster, home

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "KUBECONFIG": str(self.cluster.kubeconfig(*ADMINISTRATOR)),
        }
        command = [os.environ.get("HELM_BINARY", "helm"), *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    def put(self, install: tuple[str, str], *settings: str) -> subprocess.CompletedProcess[str]:
        """Install it, or upgrade it."""
        release, namespace = install
        sets = [word for setting in settings for word in ("--set", setting)]
        place = ("--namespace", namespace, "--create-namespace")
        return self.run("upgrade", "--install", release, str(CHART), *place, *sets)

    def must(self, install: tuple[str, str], *settings: str) -> None:
        done = self.put(install, *settings)
        assert done.returncode == 0, done.stderr

    def remove(self, install: tuple[str, str]) -> str:
        release, namespace = install
        done = self.run("uninstall", release, "--namespace", namespace)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helm]:
    """One on a cluster of its own, which has never seen the CRD."""
    with control_plane(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.do("delete", "crd", CRD, "--wait=true")
        cluster.post("/api/v1/namespaces", {"metadata": {"name": "blue"}})
        yield Helm(cluster, tmp_path_factory.mktemp("home"))


def names(helm: Helm, kind: str, namespace: str | None = None) -> set[str]:
    place = ("--namespace", namespace) if namespace else ()
    label = "app.kubernetes.io/part-of=voiceagent-operator"
    found = json.loads(helm.cluster.do("get", kind, "-l", label, *place, "-o", "json"))
    return {item["metadata"]["name"] for item in found["items"]}


def test_two_installs_share_a_cluster_and_the_crd_outlives_the_one_that_brought_it(helm: Helm) -> None:
    cluster = helm.cluster
    helm.must(FIRST)
    helm.must(SECOND, *SECONDS_OWN)
    assert names(helm, "deployments", "first") == names(helm, "deployments", "second")
    assert names(helm, "clusterroles") >= {"first:voice-controller", "first:voice-gateway"}
    assert not [name for name in names(helm, "clusterroles") if name.startswith("second")]
    assert names(helm, "roles", "blue") == {"voice-controller", "voice-gateway"}
    helm.must(FIRST, "operator.workers=3")

    cluster.do("wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=30s")
    manifest = (CHART.parents[1] / "crds/examples/receptionist.yaml").read_text(encoding="utf-8")
    cluster.do("apply", "-n", "blue", "-f", "-", text=manifest)
    assert CRD in helm.remove(FIRST), "helm says what it keeps"
    assert cluster.do("get", "voiceagents", "-n", "blue", "-o", "name") == "voiceagent.voiceagents.dev/receptionist\n"
    assert names(helm, "clusterroles") == set()
    assert names(helm, "roles", "blue") == {"voice-controller", "voice-gateway"}
    helm.remove(SECOND)
    assert names(helm, "roles", "blue") == set()


def test_two_that_serve_the_whole_cluster_have_names_of_their_own_whatever_theirs_are(helm: Helm) -> None:
    mine, other = ("b-c", "a"), ("c", "a-b")
    helm.must(mine, "crds.enabled=false")
    helm.must(other, "crds.enabled=false")
    assert names(helm, "clusterroles") == {
        f"{namespace}:{release}-{part}" for release, namespace in (mine, other) for part in ("controller", "gateway")
    }
    helm.remove(mine)
    helm.remove(other)


def test_a_second_release_in_one_namespace_is_refused_since_they_would_share_a_lease(helm: Helm) -> None:
    helm.must(("one", "shared"), *SECONDS_OWN)
    done = helm.put(("two", "shared"), "crds.enabled=false", "operator.namespaces={default}")
    assert done.returncode != 0
    assert "The namespace shared has the release one of this chart already" in done.stderr
    helm.must(("one", "shared"), *SECONDS_OWN, "operator.workers=3")
    helm.remove(("one", "shared"))


def test_the_gateways_history_goes_onto_a_volume_and_off_it_by_an_upgrade(helm: Helm) -> None:
    place = ("voice", "kept")

    def strategy() -> Any:
        gateway = helm.cluster.get("deployments", "voice-gateway", "kept")
        return gateway and gateway["spec"]["strategy"]

    helm.must(place, *SECONDS_OWN)
    rolling = strategy()
    helm.must(place, *SECONDS_OWN, "gateway.history.enabled=true")
    assert strategy() == {"type": "Recreate"}
    helm.must(place, *SECONDS_OWN)
    assert strategy() == rolling == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    helm.remove(place)


def keys(cluster: Cluster, namespace: str, name: str) -> Any:
    secret = cluster.get("secrets", name, namespace)
    assert secret is not None
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_the_keys_of_the_livekit_server_are_made_once_and_given_to_agents(helm: Helm) -> None:
    place = ("calls", "tried-out")
    on = ("crds.enabled=false", "operator.namespaces={blue}", "livekitServer.enabled=true")
    helm.must(place, *on)
    made = keys(helm.cluster, "tried-out", "calls-livekit-keys")
    assert len(made["LIVEKIT_API_SECRET"]) >= 32
    helm.must(place, *on, "livekitServer.agentNamespaces={blue}")
    assert keys(helm.cluster, "tried-out", "calls-livekit-keys") == made
    assert keys(helm.cluster, "blue", "livekit") == made
    helm.remove(place)
