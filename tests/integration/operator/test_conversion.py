"""A second version of VoiceAgents, which there is only here, on a real API server with the conversion server."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from authority import Authority
from control_plane import REPOSITORY, Cluster, control_plane
from processes import free_port
from stand_in_version import NAME
from voiceagent_api.conversion import ANNOTATION_KEPT
from voiceagent_api.crd import custom_resource_definition

SUPPORT = REPOSITORY / "tests" / "support"
MANIFEST = yaml.safe_load((REPOSITORY / "crds/examples/receptionist.yaml").read_text(encoding="utf-8"))
OLD = "voiceagents.v1alpha1.voiceagents.dev"
NEW = f"voiceagents.{NAME}.voiceagents.dev"


class Webhook:
    """Where the conversion server listens, and how it is started."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.port = free_port()
        self._files = self.authority.issue("localhost")

    @contextmanager
    def running(self, cluster: Cluster) -> Iterator[None]:
        command = [sys.executable, str(SUPPORT / "stand_in_webhook.py"), *map(str, self._files), str(self.port)]
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(SUPPORT)})
        try:
            cluster.until(lambda: process.poll() is not None or _converts(cluster), "the webhook converts", 90)
            assert process.poll() is None
            yield
        finally:
            process.terminate()
            process.wait(30)

    def crd(self, storage: str) -> dict[str, Any]:
        """The CRD with both versions."""
        crd = custom_resource_definition()
        old = crd["spec"]["versions"][0]
        open_schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        new = {**deepcopy(old), "name": NAME, "schema": {"openAPIV3Schema": open_schema}}
        for version in (old, new):
            version["storage"] = version["name"] == storage
        crd["spec"]["versions"] = [old, new]
        client = {
            "url": f"https://127.0.0.1:{self.port}/convert",
            "caBundle": base64.b64encode(self.authority.certificate.read_bytes()).decode(),
        }
        webhook = {"clientConfig": client, "conversionReviewVersions": ["v1"]}
        crd["spec"]["conversion"] = {"strategy": "Webhook", "webhook": webhook}
        return crd


def _converts(cluster: Cluster) -> bool:
    return cluster.kubectl("get", NEW, "receptionist").returncode == 0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One of its own, since its CRD is no release's; with an agent of the time of one version."""
    with control_plane(tmp_path_factory.mktemp("cluster")) as started:
        started.do("apply", "-f", "-", text=json.dumps({**MANIFEST, "spec": {**MANIFEST["spec"], "suspend": True}}))
        yield started


@pytest.fixture(scope="module")
def webhook(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Webhook:
    made = Webhook(tmp_path_factory.mktemp("webhook"))
    _replace(cluster, made.crd("v1alpha1"))
    return made


def _replace(cluster: Cluster, crd: dict[str, Any]) -> None:
    cluster.do("apply", "--server-side", "--force-conflicts", "-f", "-", text=json.dumps(crd))

    def served() -> bool:
        found = json.loads(cluster.do("get", "--raw", "/apis/voiceagents.dev"))
        return NAME in {version["version"] for version in found["versions"]}

    cluster.until(served, "both versions are served")


def read(cluster: Cluster, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cluster.do("get", kind, "receptionist", "-o", "json"))
    return found


def patch(cluster: Cluster, kind: str, spec: dict[str, Any]) -> None:
    cluster.do("patch", kind, "receptionist", "--type=merge", "-p", json.dumps({"spec": spec}))


def test_both_versions_are_read_written_and_watched(cluster: Cluster, webhook: Webhook) -> None:
    with webhook.running(cluster):
        new = read(cluster, NEW)
        assert new["spec"]["prompt"] == MANIFEST["spec"]["instructions"]
        assert "suspend" not in new["spec"] and "instructions" not in new["spec"]
        patch(cluster, NEW, {"prompt": "Changed.", "mood": "glad"})
        old = read(cluster, OLD)
        assert (old["spec"]["instructions"], old["spec"]["suspend"]) == ("Changed.", True)
        assert "mood" not in old["spec"]
        assert read(cluster, NEW)["spec"]["mood"] == "glad"
        patch(cluster, OLD, {"greeting": "Good day."})
        assert read(cluster, NEW)["spec"] | {"greeting": "Good day.", "mood": "glad"} == read(cluster, NEW)["spec"]
        path = f"/apis/voiceagents.dev/{NAME}/namespaces/default/voiceagents?watch=true&timeoutSeconds=3"
        seen = [json.loads(line) for line in cluster.do("get", "--raw", path).splitlines()]
        assert [(one["type"], one["object"]["spec"]["prompt"]) for one in seen][:1] == [("ADDED", "Changed.")]
        bad = cluster.kubectl("patch", OLD, "receptionist", "--type=merge", "-p", '{"spec":{"replicas":-1}}')
        assert "spec.replicas" in bad.stderr


def test_without_the_webhook_the_stored_version_goes_on_and_the_other_says_why(
    cluster: Cluster, webhook: Webhook
) -> None:
    assert read(cluster, OLD)["spec"]["instructions"]
    refused = cluster.kubectl("get", NEW, "receptionist")
    assert refused.returncode != 0
    assert "conversion webhook for voiceagents.dev" in refused.stderr
    with webhook.running(cluster):
        assert read(cluster, NEW)["spec"]["prompt"]


def test_stored_objects_move_to_the_new_version_by_being_written(cluster: Cluster, webhook: Webhook) -> None:
    with webhook.running(cluster):
        _replace(cluster, webhook.crd(NAME))
        before = read(cluster, OLD)
        crd = "customresourcedefinition/voiceagents.voiceagents.dev"
        cluster.do("replace", "-f", "-", text=json.dumps(read(cluster, NEW)))
        cluster.do(
            "patch",
            crd,
            "--subresource=status",
            "--type=merge",
            "-p",
            json.dumps({"status": {"storedVersions": [NAME]}}),
        )
        after = read(cluster, OLD)
        assert after["spec"] == before["spec"]
        assert ANNOTATION_KEPT in read(cluster, NEW)["metadata"]["annotations"]
    # stored in the new version now: it is had without the webhook
    assert read(cluster, NEW)["spec"]["mood"] == "glad"
