"""The gateway's history on the chart's volume: it outlives the gateway's pod, and the pods whose calls it tells of."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from earlier_release import Helm, Install, present
from on_sandbox import ADDRESS, Kubectl, eventually
from voiceagent_caller import CallOptions, make_call
from voiceagent_sandbox.install import RELEASE, SYSTEM_NAMESPACE

NAME = "gateway-history-test"
FOLDER = f"/var/lib/{NAME}"
GATEWAY = f"deployment/{RELEASE}-gateway"
TIMEOUT = "--timeout=180s"


def volume(node: str) -> dict[str, Any]:
    """A folder of one node, as the simplest clusters have them."""
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": NAME},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": NAME,
            "local": {"path": FOLDER},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}},
        },
    }


def on_node(node: str, image: str, code: str) -> dict[str, Any]:
    """A pod that runs a line of Python on a node's /var/lib, once."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", code],
        "securityContext": {"runAsUser": 0},
        "volumeMounts": [{"name": "lib", "mountPath": "/var/lib"}],
    }
    spec = {
        "nodeName": node,
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": [{"name": "lib", "hostPath": {"path": "/var/lib"}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME, "namespace": "kube-system"}, "spec": spec}


def run_on_node(kubectl: Kubectl, node: str, image: str, code: str) -> None:
    kubectl.apply(on_node(node, image, code))
    kubectl("-n", "kube-system", "wait", f"pod/{NAME}", "--for=jsonpath={.status.phase}=Succeeded", TIMEOUT)
    kubectl("-n", "kube-system", "delete", "pod", NAME)


@pytest.fixture
def with_volume(kubectl: Kubectl, tmp_path: Path) -> Iterator[None]:
    """The product with its history on a volume; without one again afterwards."""
    helm = Helm(kubectl)
    now = present(helm, tmp_path)
    values = json.loads(now.values.read_text())
    image = now.images()["gateway"]
    workers = kubectl.get("nodes", "-l", "!node-role.kubernetes.io/control-plane")["items"]
    node = workers[0]["metadata"]["name"]
    run_on_node(kubectl, node, image, f"import os; os.makedirs({FOLDER!r}, exist_ok=True)")
    kubectl.apply(volume(node))
    values["gateway"]["history"] = {"enabled": True, "storageClassName": NAME}
    changed = tmp_path / "with-volume.json"
    changed.write_text(json.dumps(values))
    try:
        helm.bring(Install(now.chart, changed))
        yield
    finally:
        helm.bring(now)
        kubectl("delete", "pv", NAME, "--wait=false")
        run_on_node(kubectl, node, image, f"import shutil; shutil.rmtree({FOLDER!r})")


def gateways(kubectl: Kubectl) -> list[dict[str, Any]]:
    """The gateway's pods that are not on their way out."""
    labels = f"app.kubernetes.io/name=voiceagent-gateway,app.kubernetes.io/instance={RELEASE}"
    found = kubectl.get("-n", SYSTEM_NAMESPACE, "pods", "-l", labels)["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


@pytest.mark.timeout(900)
async def test_the_history_outlives_the_gateways_pod_and_the_agents(
    with_volume: None, receptionist: str, kubectl: Kubectl, web: httpx.Client
) -> None:
    def ended() -> Counter[str]:
        answer = web.get("/metrics/history", params={"agent": f"default/{receptionist}", "step": "1d"})
        agents = answer.json()["agents"] if answer.status_code == 200 else []
        return sum((Counter(point["ended"]) for agent in agents for point in agent["points"]), Counter[str]())

    report = await make_call(CallOptions(gateway=ADDRESS, speech=ADDRESS))
    assert report.greeting is not None
    told = eventually(ended, lambda outcomes: sum(outcomes.values()) == 1, 60)
    kubectl("delete", "voiceagent", receptionist)
    eventually(
        lambda: kubectl.get("pods", "-l", f"voiceagents.dev/agent={receptionist}")["items"], lambda pods: not pods
    )

    (before,) = gateways(kubectl)
    kubectl("-n", SYSTEM_NAMESPACE, "delete", "pod", before["metadata"]["name"])
    kubectl("-n", SYSTEM_NAMESPACE, "rollout", "status", GATEWAY, TIMEOUT)
    (after,) = gateways(kubectl)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert eventually(ended, lambda outcomes: bool(outcomes), 60) == told
