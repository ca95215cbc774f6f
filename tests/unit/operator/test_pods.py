"""Why a pod fails, in a sentence."""

from typing import Any

import pytest
from voiceagent_operator.pods import explain_failure, explain_wait, view_pod


def pod(name: str = "p", revision: str = "new", *, leaving: bool = False, **status: Any) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "name": name,
        "namespace": "default",
        "uid": name,
        "labels": {"voiceagents.dev/revision": revision},
    }
    if leaving:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": meta, "spec": {"volumes": [{"configMap": {"name": "c"}}, {"emptyDir": {}}]}, "status": status}


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": "worker", "image": "reg/x:1", "restartCount": 3, "state": state, **more}]}


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (
            waiting("ImagePullBackOff", 'Back-off pulling image "reg/x:1"'),
            "ImagePullBackOff",
            'Pod default/p cannot get its image "reg/x:1": Back-off pulling image "reg/x:1". Correct spec.image (or '
            "the worker image of the operator's install), or add spec.imagePullSecrets.",
        ),
        (
            waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 2, "message": "No\n config file.\n"}}),
            "CrashLoopBackOff",
            "Pod default/p keeps ending with exit code 2 (3 restarts): No config file. Its log: "
            "kubectl --namespace default logs p --previous",
        ),
        (
            waiting("CrashLoopBackOff", lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}}),
            "OOMKilled",
            "Pod default/p was killed for using more memory than its limit (3 restarts): raise "
            "spec.sessions.memoryLimit or spec.resources.limits.memory, or lower spec.scaling.sessionsPerReplica.",
        ),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."},
            "PodLost",
            "Pod default/p was lost (Evicted: The node was low on resource: memory); another is made in its place. "
            "What happened: kubectl --namespace default describe pod p",
        ),
        (
            waiting("CreateContainerConfigError", "no such thing"),
            "CreateContainerConfigError",
            "Pod default/p cannot start: no such thing. Make what it lacks, or correct spec.podTemplate or spec.image. "
            "More of it: kubectl --namespace default describe pod p",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "reason": "Unschedulable", "message": "0/1 nodes: no memory."}]},
            "PodUnschedulable",
            "Pod default/p finds no node: 0/1 nodes: no memory. Lower spec.resources or what spec.podTemplate asks of "
            "nodes, or add nodes.",
        ),
    ],
)
def test_a_failing_pod_is_explained(status: dict[str, Any], reason: str, message: str) -> None:
    failure = view_pod(pod(**status)).failure
    assert failure is not None
    assert (failure.reason, failure.message) == (reason, message)


@pytest.mark.parametrize(
    "status", [{}, waiting("ContainerCreating"), {"phase": "Running"}, {"containerStatuses": None}]
)
def test_a_pod_that_may_still_come_up_is_not_called_failing(status: dict[str, Any]) -> None:
    assert view_pod(pod(**status)).failure is None


SCHEDULED = [{"type": "PodScheduled", "status": "True"}]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            {"phase": "Pending"},
            "Pod default/p waits for a node. More of it: kubectl --namespace default describe pod p",
        ),
        (
            {"phase": "Pending", "conditions": SCHEDULED, **waiting("ContainerCreating")},
            "Pod default/p is on a node, which gets its image and starts it. More of it: "
            "kubectl --namespace default describe pod p",
        ),
        (
            {"phase": "Running", "conditions": [*SCHEDULED, {"type": "Ready", "status": "False"}]},
            "Pod default/p runs and has not registered with LiveKit yet. More of it: "
            "kubectl --namespace default logs p",
        ),
        (
            {"phase": "Running", "containerStatuses": [{"name": "worker", "state": {"terminated": {"exitCode": 1}}}]},
            "Pod default/p has ended and is about to be started again. More of it: kubectl --namespace default logs p",
        ),
        ({"phase": "Running", "conditions": [*SCHEDULED, {"type": "Ready", "status": "True"}]}, None),
    ],
)
def test_a_pod_that_is_not_ready_yet_is_named_with_what_it_is_about_to_do(
    status: dict[str, Any], words: str | None
) -> None:
    assert explain_wait([view_pod(pod(**status))], "new") == words


def test_pods_that_leave_or_are_of_another_revision_are_not_waited_for() -> None:
    going, old = view_pod(pod("a", leaving=True, phase="Running")), view_pod(pod("b", "old", phase="Pending"))
    assert explain_wait([going, old], "new") is None
    assert explain_wait([old, view_pod(pod("c", phase="Pending"))], None) == (
        "Pod default/b waits for a node. More of it: kubectl --namespace default describe pod b"
    )


def test_a_long_story_keeps_its_end() -> None:
    said = "x" * 1000 + " the cause"
    failure = view_pod(pod(**waiting("CreateContainerError", said))).failure
    assert failure is not None
    assert " the cause. " in failure.message
    assert len(failure.message) < 650


def test_pods_of_the_newest_revision_are_told_of_and_leaving_ones_are_not() -> None:
    bad = waiting("ImagePullBackOff", "bad")
    old = view_pod(pod("a", "old", **bad))
    gone = view_pod(pod("b", "new", leaving=True, **bad))
    new = view_pod(pod("c", "new", **bad))
    assert explain_failure([old, gone], "new") is None
    assert explain_failure([old, gone, new], "new") == new.failure
    assert explain_failure([old], None) == old.failure


def test_a_pod_is_running_until_it_leaves_and_has_its_files_until_it_ended() -> None:
    assert view_pod(pod(phase="Running")).running
    draining = view_pod(pod(phase="Running", leaving=True))
    assert not draining.running
    assert draining.exists
    assert not view_pod(pod(phase="Failed")).exists
    assert draining.config_maps == {"c"}
