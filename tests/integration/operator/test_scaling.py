"""How the number of pods follows the calls, and which pods go: on the real API server and its controllers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from worker_endpoints import Fleet

BUSY = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}


@pytest.fixture
def fleet(operator: Any, space: Any) -> Iterator[Fleet]:
    made = Fleet(space)
    yield made
    made.close()


def sessions(**scaling: Any) -> dict[str, Any]:
    return {
        "mode": "Sessions", "minReplicas": 1, "maxReplicas": 4, "sessionsPerReplica": 2,
        "scaleDownStabilizationSeconds": 1, **scaling,
    }  # fmt: skip


def replicas(space: Any) -> int:
    return int(space.get("deployments")["spec"]["replicas"])


def annotations(space: Any, name: str) -> dict[str, str]:
    found: dict[str, str] = space.get("pods", name)["metadata"].get("annotations", {})
    return found


def test_pods_come_with_the_calls_and_go_without_ending_one(space: Any, fleet: Fleet) -> None:
    space.apply(scaling=sessions())
    ((first, endpoint),) = fleet.settle(1).items()
    endpoint.calls = 5
    fleet.settle(3)
    assert space.until_reason("FollowingSessions", "ScalingActive")["status"] == "True"
    space.cluster.until(lambda: BUSY.items() <= annotations(space, first).items(), "the busy pod is protected")
    endpoint.calls = 1
    space.cluster.until(lambda: replicas(space) == 1, "one replica")
    assert set(fleet.settle(1)) == {first}
    endpoint.calls = 0
    space.cluster.until(lambda: not BUSY.items() & annotations(space, first).items(), "it is protected no more")


def test_a_scale_down_by_hand_takes_idle_pods_and_waits_for_the_calls_of_the_rest(space: Any, fleet: Fleet) -> None:
    space.apply(replicas=3)
    busiest, _, busy = fleet.settle(3).items()
    busiest[1].calls, busy[1].calls = 4, 2
    space.cluster.until(lambda: space.get("voiceagents")["status"].get("activeSessions") == 6, "six calls")
    space.do("scale", "va/receptionist", "--replicas=1")
    space.cluster.until(lambda: busy[1].draining and replicas(space) == 2, "the idle pod goes, the busy one drains")
    assert set(fleet.settle(2)) == {busiest[0], busy[0]}
    assert not busiest[1].draining
    told = space.until_reason("ScalingDown", "Reconciling")
    assert "once their calls are over" in told["message"]
    assert space.get("voiceagents")["status"]["readySummary"] == "1/1"
    busy[1].calls = 0
    space.cluster.until(lambda: replicas(space) == 1, "the last call is over")
    assert set(fleet.settle(1)) == {busiest[0]}


def test_a_pod_that_was_to_go_takes_calls_again_when_more_are_wanted(space: Any, fleet: Fleet) -> None:
    space.apply(replicas=2)
    first, second = fleet.settle(2).values()
    first.calls, second.calls = 2, 1
    space.cluster.until(lambda: space.get("voiceagents")["status"].get("activeSessions") == 3, "three calls")
    space.do("scale", "va/receptionist", "--replicas=1")
    space.cluster.until(lambda: second.draining, "it drains")
    space.do("scale", "va/receptionist", "--replicas=2")
    space.cluster.until(lambda: not second.draining, "it takes calls again")
    assert replicas(space) == 2


def test_nothing_goes_while_a_pod_cannot_be_asked(space: Any, fleet: Fleet) -> None:
    space.apply(scaling=sessions(minReplicas=2))
    first, second = fleet.settle(2).values()
    first.calls = second.calls = 3
    fleet.settle(3)
    first.close()
    told = space.until_reason("SessionsUnreadable", "ScalingActive")
    assert (told["status"], "cannot be asked" in told["message"]) == ("False", True)
    second.calls = 0
    space.cluster.until(lambda: space.get("voiceagents")["status"].get("activeSessions") == 3, "what is known")
    assert replicas(space) == 3
    first.calls = 0
    first.open()
    space.cluster.until(lambda: replicas(space) == 2, "two replicas once all can be asked")


def test_an_operator_that_starts_anew_asks_pods_that_were_there_and_writes_nothing(
    operator: Any, space: Any, fleet: Fleet
) -> None:
    space.apply(replicas=2)
    for endpoint in fleet.settle(2).values():
        endpoint.calls = 2
    space.cluster.until(lambda: space.get("voiceagents")["status"].get("activeSessions") == 4, "four calls")
    space.until_reason("PodsReady")
    operator.stop()
    before = space.get("voiceagents")["metadata"]["resourceVersion"]
    operator.start()
    done, depth = 'voiceagent_operator_reconciles_total{result="done"}', "voiceagent_operator_queue_depth"
    space.cluster.until(lambda: operator.number(done) and not operator.number(depth), "a look at everything")
    assert operator.writes() == 0
    assert space.get("voiceagents")["metadata"]["resourceVersion"] == before
    for endpoint in fleet.pods().values():
        endpoint.calls = 1
    space.cluster.until(lambda: space.get("voiceagents")["status"].get("activeSessions") == 2, "pods are asked")


def test_an_agent_without_calls_falls_asleep_and_a_waiting_caller_wakes_it(space: Any, fleet: Fleet) -> None:
    def demand(waiting: int) -> None:
        asked = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = json.dumps({"status": {"demand": {"waiting": waiting, "lastAskedTime": asked}}})
        space.do("patch", "va", "receptionist", "--subresource=status", "--type=merge", "-p", body)

    space.apply(scaling=sessions(minReplicas=0))
    space.until_reason("Asleep")
    assert replicas(space) == 0
    demand(1)
    space.cluster.until(lambda: replicas(space) == 1, "it wakes")
    ((_, endpoint),) = fleet.settle(1).items()
    endpoint.calls = 1
    demand(0)
    space.cluster.until(lambda: space.get("voiceagents")["status"].get("activeSessions") == 1, "the call")
    endpoint.calls = 0
    space.cluster.until(lambda: replicas(space) == 0, "it falls asleep", 90)


def test_a_rollout_that_does_not_get_ready_is_put_back_and_the_next_one_is_tried(new_operator: Any, space: Any) -> None:
    new_operator(rollout={"progressDeadlineSeconds": 5}).start()
    fleet = Fleet(space)

    def image() -> str:
        return str(space.get("deployments")["spec"]["template"]["spec"]["containers"][0]["image"])

    try:
        space.apply(image="worker.test/good:1")
        good = frozenset(fleet.settle(1))
        space.until_reason("PodsReady")
        before = space.get("deployments")["spec"]["template"]
        space.apply(image="worker.test/bad:1")
        space.cluster.until(lambda: image() == "worker.test/bad:1", "the new image is tried")
        stalled = space.until_reason("RolloutPutBack", "Stalled")
        assert "did not get ready in time" in stalled["message"]
        assert space.get("deployments")["spec"]["template"] == before
        assert frozenset(fleet.settle(1)) == good
        space.until_reason("PodsReady")
        space.apply(image="worker.test/better:1")
        space.cluster.until(lambda: image() == "worker.test/better:1", "the next image is tried")
        fleet.settle(2)
        space.cluster.until(lambda: not good & frozenset(fleet.pods()), "the first pod has gone")
        assert space.until_reason("NotStalled", "Stalled")["status"] == "False"
    finally:
        fleet.close()
