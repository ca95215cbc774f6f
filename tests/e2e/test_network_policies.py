"""NetworkPolicies as the cluster's network enforces them: who reaches a worker pod, and that nobody misses anything."""

import json
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from on_sandbox import ADDRESS, Kubectl, eventually
from voiceagent_api.names import ANNOTATION_PAUSED
from voiceagent_caller import CallOptions, Utterance, make_call
from voiceagent_sandbox.install import RELEASE, SYSTEM_NAMESPACE
from voiceagent_sandbox.paths import REPO

STRANGER = "stranger"
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()
except OSError as error:
    print("refused:", error)
else:
    print("reached")
"""


@pytest.fixture(scope="module", autouse=True)
def enforced(kubectl: Kubectl) -> None:
    """Nodes that the sandbox made enforce them; of an existing cluster's network nothing is known."""
    if not kubectl.get("-n", "kube-system", "daemonsets", "-l", "app=kube-router")["items"]:
        pytest.skip("This cluster's nodes were not made by the sandbox: whether its network enforces is not known.")


@pytest.fixture
def strangers(receptionist: str, kubectl: Kubectl) -> Iterator[list[str]]:
    """A pod of nobody's beside the agent's, on each node that has agents: over the bridge, and over the wire."""
    image = kubectl.pods(receptionist)[0]["spec"]["containers"][0]["image"]
    nodes = [
        node["metadata"]["name"]
        for node in kubectl.get("nodes", "-l", "!node-role.kubernetes.io/control-plane")["items"]
    ]
    names = [f"{STRANGER}-{number}" for number in range(len(nodes))]
    for name, node in zip(names, nodes, strict=True):
        kubectl.apply(_stranger(name, node, image))
    for name in names:
        kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=120s")
    yield names
    kubectl("delete", "pod", *names, "--grace-period=0", "--force")


def _stranger(name: str, node: str, image: str) -> dict[str, Any]:
    sleep = ["python3", "-c", "import time; time.sleep(3600)"]
    container = {"name": "main", "image": image, "imagePullPolicy": "IfNotPresent", "command": sleep}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": STRANGER}},
        "spec": {"nodeName": node, "containers": [container]},
    }


def _knock(kubectl: Kubectl, who: tuple[str, ...], address: str, port: int) -> str:
    return kubectl("exec", *who, "--", "python3", "-c", CONNECT, address, str(port)).strip()


def _product(component: str) -> tuple[str, ...]:
    return ("-n", SYSTEM_NAMESPACE, f"deployment/{RELEASE}-{component}")


def test_only_operator_and_gateway_reach_a_worker(receptionist: str, strangers: list[str], kubectl: Kubectl) -> None:
    worker = kubectl.pods(receptionist)[0]["status"]["podIP"]
    gateway = kubectl.get("-n", SYSTEM_NAMESPACE, "service", f"{RELEASE}-gateway")["spec"]

    def knocks() -> dict[str, bool]:
        return {name: _knock(kubectl, (name,), worker, 8080) == "reached" for name in strangers}

    eventually(knocks, lambda seen: not any(seen.values()), 30)
    for name in strangers:
        # What keeps them out is the policy: their own network works.
        assert _knock(kubectl, (name,), gateway["clusterIP"], gateway["ports"][0]["port"]) == "reached"
    for component in ("controller", "gateway"):
        assert _knock(kubectl, _product(component), worker, 8080) == "reached", component

    kubectl("annotate", f"va/{receptionist}", f"{ANNOTATION_PAUSED}=true")
    kubectl("delete", "networkpolicy", receptionist)
    eventually(knocks, lambda seen: all(seen.values()), 60)
    kubectl("annotate", f"va/{receptionist}", f"{ANNOTATION_PAUSED}-")
    eventually(knocks, lambda seen: not any(seen.values()), 60)


@pytest.fixture
def closed_product(kubectl: Kubectl) -> Iterator[list[str]]:
    """`networkPolicy.enabled`, with the values that the sandbox installs with; the policies' names."""
    helm = Path(kubectl.program).with_name("helm")
    env = {**os.environ, "KUBECONFIG": str(kubectl.kubeconfig)}
    chart = REPO / "charts" / "voiceagent-operator"
    within = ("-n", SYSTEM_NAMESPACE)

    def run(*words: str | Path, given: str | None = None) -> str:
        done = subprocess.run(
            [helm, *words], env=env, input=given, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    values = json.loads(run("get", "values", RELEASE, *within, "-o", "json")) | {"networkPolicy": {"enabled": True}}
    only = ("--show-only", "templates/network-policies.yaml")
    policies = run("template", RELEASE, chart, *within, *only, "-f", "-", given=json.dumps(values))
    kubectl("apply", "-f", "-", stdin=policies)
    yield [item["metadata"]["name"] for item in kubectl.get(*within, "networkpolicies")["items"]]
    kubectl("delete", "-f", "-", stdin=policies)


async def test_a_closed_product_lacks_nothing(
    closed_product: list[str], receptionist: str, strangers: list[str], kubectl: Kubectl
) -> None:
    assert closed_product == [f"{RELEASE}-controller", f"{RELEASE}-gateway"]
    speech = kubectl.get("-n", "speech", "service", "speech")["spec"]
    address, port = speech["clusterIP"], speech["ports"][0]["port"]
    assert _knock(kubectl, (strangers[0],), address, port) == "reached"
    for component in ("controller", "gateway"):
        eventually(partial(_knock, kubectl, _product(component), address, port), lambda said: said != "reached", 30)

    kubectl("-n", SYSTEM_NAMESPACE, "rollout", "restart", "deployment")
    for component in ("controller", "gateway"):
        kubectl(*_product(component)[:2], "rollout", "status", _product(component)[2], "--timeout=180s")
    change = {"spec": {"greeting": "Hello, this is Blue Dental with the door closed."}}
    kubectl("patch", f"va/{receptionist}", "--type=merge", "-p", json.dumps(change))
    kubectl.wait_ready(receptionist)
    utterances = (Utterance(text="Are you open on Saturday?"),)
    report = await make_call(CallOptions(gateway=ADDRESS, speech=ADDRESS, utterances=utterances))
    assert report.complete
    assert report.greeting is not None
    assert report.turns[0].answered
