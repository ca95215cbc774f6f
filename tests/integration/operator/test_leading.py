"""Two operators, of which one works."""

import signal
import time
from pathlib import Path
from typing import Any

from fault_proxy import FaultProxy

OPERATOR_USER = "voiceagent-operator"
FLEET = 100


def leads(process: Any) -> bool:
    return bool(process.number("voiceagent_operator_leader ") == 1)


def pair(new_operator: Any, space: Any) -> tuple[Any, Any]:
    """One that leads and one that stands by, both of them ready."""
    first = new_operator("--namespace", space.name, "--leader-elect", space.name)
    first.start()
    space.cluster.until(lambda: leads(first), "the first leads")
    second = new_operator("--namespace", space.name, "--leader-elect", space.name)
    second.start()
    return first, second


def test_one_works_and_the_other_writes_nothing_with_its_watches_warm(new_operator: Any, space: Any) -> None:
    first, second = pair(new_operator, space)
    space.apply()
    space.until_deployed()
    assert (leads(first), leads(second)) == (True, False)
    seen = 'voiceagent_operator_watched_objects{kind="Deployment"}'
    space.cluster.until(lambda: second.number(seen) == 1, "the second has seen the Deployment")
    assert second.writes() == 0
    assert second.asks("/healthz") == 200


def test_a_killed_leader_is_followed(new_operator: Any, space: Any) -> None:
    first, second = pair(new_operator, space)
    first.kill()
    space.apply()
    space.cluster.until(lambda: leads(second), "the second leads", 60)
    space.until_deployed()


def test_a_leader_that_ends_hands_over(new_operator: Any, space: Any) -> None:
    first, second = pair(new_operator, space)
    first.stop()
    space.cluster.until(lambda: leads(second), "the second leads", 60)
    space.apply()
    space.until_deployed()


def test_a_leader_that_ends_lets_go_of_the_lease_however_slow_the_api_server_is(
    new_operator: Any, space: Any, tmp_path: Path
) -> None:
    with FaultProxy(space.cluster, OPERATOR_USER).running() as proxy:
        only = new_operator("--namespace", space.name, "--leader-elect", space.name)
        only.kubeconfig = proxy.kubeconfig(tmp_path)
        only.start()
        space.cluster.until(lambda: leads(only), "it leads")
        proxy.late_seconds["/leases"] = 2.0
        only.stop()
    assert space.get("leases", "voiceagent-operator")["spec"]["holderIdentity"] == ""


def test_one_whose_lease_was_taken_stops_writing_and_comes_back_when_it_is_free(new_operator: Any, space: Any) -> None:
    first = new_operator("--namespace", space.name, "--leader-elect", space.name)
    first.start()
    space.cluster.until(lambda: leads(first), "it leads")
    thief = '{"spec":{"holderIdentity":"thief","leaseDurationSeconds":3600}}'
    space.do("patch", "lease", "voiceagent-operator", "--type=merge", "-p", thief)
    space.cluster.until(lambda: not leads(first), "it stands by")
    space.apply()
    time.sleep(2)
    assert space.get("deployments") is None
    assert first.asks("/healthz") == 200
    space.do("patch", "lease", "voiceagent-operator", "--type=merge", "-p", '{"spec":{"holderIdentity":""}}')
    space.until_deployed()


def test_a_paused_leader_that_comes_back_after_another_took_over_writes_nothing(
    new_operator: Any, space: Any, tmp_path: Path
) -> None:
    for number in range(FLEET):
        space.apply(f"agent-{number}", suspend=True)
    with FaultProxy(space.cluster, OPERATOR_USER).running() as proxy:
        first = new_operator("--namespace", space.name, "--leader-elect", space.name)
        first.kubeconfig = proxy.kubeconfig(tmp_path)
        first.start()
        space.cluster.until(lambda: space.list("deployments"), "it is in the midst of its work")
        first.process.send_signal(signal.SIGSTOP)
        try:
            assert len(space.list("deployments")) < FLEET
            second = new_operator("--namespace", space.name, "--leader-elect", space.name)
            second.start()
            space.cluster.until(lambda: leads(second), "the second leads", 60)
            space.cluster.until(lambda: len(space.list("deployments")) == FLEET, "and does what the first left")
            before = list(proxy.writes)
        finally:
            first.process.send_signal(signal.SIGCONT)
        space.cluster.until(lambda: not leads(first), "the first stands by")
        space.apply("another", suspend=True)
        space.cluster.until(lambda: space.get("deployments", "another"), "the second goes on")
        assert before
        assert proxy.writes == before
        assert leads(second)
        first.stop()
