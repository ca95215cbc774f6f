"""What Ready says of pods that fail or are not there yet: never just that they are not ready.

There are no nodes: what a kubelet or a scheduler would write to a pod's status, the tests write. Quotas and limits
are the API server's own, and the controllers of Deployments and ReplicaSets are real.
"""

import json
from typing import Any

import pytest

QUOTA = {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "0"}}}
USED = {"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}}
LIMITS = {
    "metadata": {"name": "small"},
    "spec": {"limits": [{"type": "Container", "max": {"memory": "1Mi"}}]},
}


def container(state: dict[str, Any], last: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a kubelet tells of the worker's container."""
    told = {"name": "worker", "image": "x", "imageID": "", "ready": False, "restartCount": 4, "state": state}
    return {"containerStatuses": [{**told, "lastState": last or {}}]}


def stage(space: Any, status: dict[str, Any]) -> str:
    """Write the status of the agent's pod; returns the pod's name."""
    (pod,) = space.list("pods")
    name: str = pod["metadata"]["name"]
    words = ("patch", "pod", name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
    space.do(*words)
    return name


@pytest.mark.parametrize(
    ("status", "reason", "words", "cure"),
    [
        (
            {"phase": "Pending", **container({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})},
            "ImagePullBackOff",
            "cannot get its image",
            "Correct spec.image",
        ),
        (
            {
                "phase": "Running",
                **container(
                    {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1m"}},
                    {"terminated": {"exitCode": 1, "reason": "Error", "message": "The config file is not there."}},
                ),
            },
            "CrashLoopBackOff",
            "keeps ending with exit code 1 (4 restarts): The config file is not there.",
            "logs {pod} --previous",
        ),
        (
            {
                "phase": "Running",
                **container(
                    {"waiting": {"reason": "CrashLoopBackOff"}},
                    {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                ),
            },
            "OOMKilled",
            "was killed for using more memory than its limit",
            "raise spec.sessions.memoryLimit",
        ),
        (
            {
                "phase": "Pending",
                **container({"waiting": {"reason": "CreateContainerConfigError", "message": "secret x not found"}}),
            },
            "CreateContainerConfigError",
            "cannot start: secret x not found",
            "correct spec.podTemplate",
        ),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/2 nodes are available: 2 Insufficient memory.",
                    }
                ],
            },
            "PodUnschedulable",
            "finds no node: 0/2 nodes are available: 2 Insufficient memory.",
            "Lower spec.resources",
        ),
    ],
    ids=["image", "crash", "memory", "start", "node"],
)
def test_a_failing_pod_is_named_in_ready_with_the_cure(
    operator: Any, space: Any, status: dict[str, Any], reason: str, words: str, cure: str
) -> None:
    space.apply()
    space.until_deployed()
    pod = stage(space, status)
    told = space.until_reason(reason)
    assert told["status"] == "False"
    assert told["message"].startswith(f"0 of 1 worker pods are ready. Pod {space.name}/{pod} ")
    assert words in told["message"]
    assert cure.format(pod=pod) in told["message"]


def test_a_pod_on_its_way_is_named_with_what_it_waits_for(operator: Any, space: Any) -> None:
    space.apply()
    space.until_deployed()
    (pod,) = (item["metadata"]["name"] for item in space.list("pods"))

    def until_told(words: str) -> None:
        start = f"0 of 1 worker pods are ready. Pod {space.name}/{pod} {words}"
        space.cluster.until(lambda: space.condition()["message"].startswith(start), words)

    until_told("waits for a node.")
    scheduled = {"type": "PodScheduled", "status": "True"}
    stage(space, {"phase": "Pending", "conditions": [scheduled]})
    until_told("is on a node")
    stage(space, {"phase": "Running", "conditions": [scheduled, {"type": "Ready", "status": "False"}]})
    until_told("runs and has not registered with LiveKit yet.")
    stage(space, {"conditions": [scheduled, {"type": "Ready", "status": "True"}]})
    space.until_reason("PodsReady")


def test_an_exceeded_quota_is_told_with_its_name_and_heals_once_it_is_raised(operator: Any, space: Any) -> None:
    quotas = f"/api/v1/namespaces/{space.name}/resourcequotas"
    space.cluster.post(quotas, QUOTA)
    # The controller that fills in what is used does not run here.
    space.do("patch", "resourcequota", "small", "--subresource=status", "--type=merge", "-p", json.dumps(USED))
    space.apply()
    told = space.until_reason("QuotaExceeded")
    assert told["status"] == "False"
    assert "exceeded quota: small" in told["message"]
    assert "receptionist-" in told["message"], "the pod is named"
    assert told["message"].endswith("Raise the ResourceQuota, or lower spec.resources or the number of pods.")
    space.do("delete", "resourcequota", "small")
    space.until_deployed()


def test_pods_that_a_rule_refuses_are_told_with_the_rules_words(operator: Any, space: Any) -> None:
    space.cluster.post(f"/api/v1/namespaces/{space.name}/limitranges", LIMITS)
    space.apply()
    told = space.until_reason("PodsRefused")
    assert "maximum memory usage per Container is 1Mi" in told["message"]
    assert "receptionist-" in told["message"], "the pod is named"
    assert told["message"].endswith("Correct what it names, or ask whoever set that rule.")
    space.do("delete", "limitrange", "small")
    space.until_deployed()
