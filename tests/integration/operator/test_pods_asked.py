"""What the operator learns by asking worker pods: here they are small servers on loopback that answer as a worker."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pod_endpoint import Pod
from voiceagent_api.worker_status import ProviderCheck, SessionRecord, TurnRecord


@pytest.fixture
def pod(operator: Any, space: Any) -> Pod:
    """A ready pod of the example's agent; nobody answers at its address yet."""
    made = Pod()
    space.apply()
    space.until_deployed()
    space.serve(address=made.address)
    space.until_reason("PodsReady")
    return made


def wanted(space: Any) -> str:
    revision: str = space.get("voiceagents")["status"]["configRevision"]
    return revision


def test_config_synced_follows_what_pods_say(space: Any, pod: Pod) -> None:
    assert space.until_reason("PodsUnreadable", "ConfigSynced")["status"] == "Unknown"
    with pod.serving():
        pod.says(config_revision=wanted(space))
        assert space.until_reason("Synced", "ConfigSynced")["status"] == "True"
        space.apply(instructions="You answer the phone of Red Dental.")
        assert space.until_reason("PodsBehind", "ConfigSynced")["status"] == "False"
        pod.says(config_error="The agent's config file is wrong at instructions.")
        refused = space.until_reason("ConfigRefused", "ConfigSynced")
        assert "wrong at instructions" in refused["message"]
        pod.says(config_error=None, config_revision=wanted(space))
        space.until_reason("Synced", "ConfigSynced")


def test_calls_and_their_latency_are_told_in_the_status(space: Any, pod: Pod) -> None:
    now = datetime.now(UTC)
    turns = [TurnRecord(at=now, e2e_milliseconds=float(wait)) for wait in range(100, 2100, 100)]
    active = SessionRecord(id="s", room="r", started_at=now, config_revision="c", turns=turns)
    ended = SessionRecord(id="t", room="r", started_at=now, config_revision="c", outcome="completed")
    pod.says(config_revision=wanted(space), sessions=[active, active, ended])
    with pod.serving():
        status = space.cluster.until(
            lambda: (s := space.get("voiceagents")["status"]).get("activeSessions") == 2 and s, "two calls", 60
        )
    assert status["sessionCapacity"] == 5
    assert status["sessionsSummary"] == "2/5"
    assert status["latency"] == {"window": "5m", "e2eP50Milliseconds": 1000, "e2eP95Milliseconds": 1900}
    assert space.do("get", "va").splitlines()[1].split()[:3] == ["receptionist", "1/1", "2/5"]


def test_a_pod_that_goes_is_told_with_its_calls_and_deadline(space: Any, pod: Pod) -> None:
    active = SessionRecord(id="s", room="r", started_at=datetime.now(UTC), config_revision="c")
    pod.says(config_revision=wanted(space), sessions=[active])
    (name,) = (item["metadata"]["name"] for item in space.list("pods"))
    hold = '{"metadata":{"finalizers":["voiceagents.test/still-draining"]}}'
    with pod.serving():
        space.cluster.until(lambda: space.get("voiceagents")["status"].get("activeSessions") == 1, "a call", 60)
        space.do("patch", "pod", name, "--type=merge", "-p", hold)
        space.do("scale", "va/receptionist", "--replicas=0")
        try:
            draining = space.cluster.until(
                lambda: space.get("voiceagents")["status"].get("draining"), "the pod drains", 60
            )
        finally:
            space.do("patch", "pod", name, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert [(entry["pods"], entry["sessions"]) for entry in draining] == [(1, 1)]
    assert draining[0]["deadline"] > datetime.now(UTC).isoformat()[:10]
    space.cluster.until(lambda: "draining" not in space.get("voiceagents")["status"], "the pod has gone", 60)


def test_a_provider_that_refuses_is_named_and_one_out_of_reach_is_not_blamed(space: Any, pod: Pod) -> None:
    def check(ok: bool | None, message: str) -> ProviderCheck:
        return ProviderCheck(kind="llm", provider="openai", ok=ok, message=message, checked_at=datetime.now(UTC))

    assert space.until_reason("PodsUnreadable", "ProvidersReady")["status"] == "Unknown"
    (name,) = (item["metadata"]["name"] for item in space.list("pods"))
    with pod.serving():
        assert space.until_reason("CredentialsFound", "ProvidersReady")["status"] == "True"
        pod.says(provider_checks=[check(False, "401: the key is not valid.")])
        told = space.until_reason("ProviderRefuses", "ProvidersReady")
        assert told["status"] == "False"
        ready = space.until_reason("ProviderRefuses")
        assert ready["status"] == "False"
        for part in (f"llm openai refuses pod {space.name}/{name}", f"OPENAI_API_KEY of Secret {space.name}/openai"):
            assert part in told["message"]
            assert part in ready["message"]
        pod.says(provider_checks=[check(None, "no answer in 5 s")])
        assert space.until_reason("ProviderUnreachable", "ProvidersReady")["status"] == "Unknown"
        assert space.until_reason("PodsReady")["status"] == "True"
        pod.says(provider_checks=[check(True, "")])
        assert space.until_reason("ProvidersAnswer", "ProvidersReady")["status"] == "True"


def test_a_pod_that_livekit_does_not_take_is_named_in_ready_with_the_secret(operator: Any, space: Any) -> None:
    made = Pod()
    made.says(registered=False, registration_error="401: the key is not valid.")
    space.apply()
    space.until_deployed()
    (name,) = (item["metadata"]["name"] for item in space.list("pods"))
    address = {"phase": "Running", "podIP": made.address, "podIPs": [{"ip": made.address}]}
    space.do("patch", "pod", name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": address}))
    with made.serving():
        told = space.until_reason("NotRegistered")
    assert told["status"] == "False"
    assert f"Pod {space.name}/{name} cannot register with LiveKit: 401: the key is not valid." in told["message"]
    assert f"LIVEKIT_API_KEY and LIVEKIT_API_SECRET in Secret {space.name}/livekit" in told["message"]


def test_each_change_of_a_condition_is_an_event_and_the_same_one_counts_up(space: Any, pod: Pod) -> None:
    def events(reason: str) -> list[dict[str, Any]]:
        return [event for event in space.list("events") if event["reason"] == reason]

    space.cluster.until(lambda: events("PodsReady"), "an event")
    for _ in range(2):
        secret = space.get("secrets", "openai")
        space.do("delete", "secret", "openai")
        space.until_reason("SecretMissing")
        space.secret("openai", OPENAI_API_KEY="openai-secret-value")
        space.until_reason("PodsReady")
        assert secret is not None

    def counted() -> list[int]:
        return sorted(event["count"] for event in events("SecretMissing"))

    space.cluster.until(lambda: counted() == [2, 2], "of Ready and of ProvidersReady, each twice")
    told = events("SecretMissing")[0]
    assert (told["type"], told["involvedObject"]["name"]) == ("Warning", "receptionist")
    assert "openai-secret-value" not in json.dumps(space.list("events"))
    assert "SecretMissing" in space.do("describe", "va", "receptionist")
