"""What Prometheus reads of each VoiceAgent from an operator."""

from typing import Any

from prometheus_client import CollectorRegistry
from voiceagent_operator.gauges import register_gauges
from voiceagent_operator.kinds import VOICE_AGENT
from voiceagent_operator.metrics import Metrics
from voiceagent_operator.objects import Key
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.tables import DELETED, Tables

DESK = {"namespace": "default", "agent": "desk"}


class Operator:
    """Its tables, and what it tells of them."""

    def __init__(self) -> None:
        self.metrics, self.tables = Metrics(CollectorRegistry()), Tables()
        register_gauges(self.metrics, WorkQueue[Key](lambda: 0.0), self.tables, lambda: False)

    def see(self, version: int, spec: dict[str, Any], status: dict[str, Any]) -> "Operator":
        self.tables.note(VOICE_AGENT, None, body(version, spec, status))
        return self

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {**DESK, **labels})


def body(version: int, spec: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    meta = {"name": "desk", "namespace": "default", "uid": "u", "resourceVersion": str(version)}
    return {"metadata": meta, "spec": spec, "status": status}


def ready(status: str, reason: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": "a sentence"}]}


def test_a_condition_is_one_series_with_its_status_and_reason() -> None:
    operator = Operator().see(1, {}, ready("False", "PodsNotReady"))
    assert operator.value("voiceagent_condition", type="Ready", status="False", reason="PodsNotReady") == 1
    operator.see(2, {}, ready("True", "PodsReady"))
    assert operator.value("voiceagent_condition", type="Ready", status="False", reason="PodsNotReady") is None
    assert operator.value("voiceagent_condition", type="Ready", status="True", reason="PodsReady") == 1


def test_pods_places_draining_calls_and_the_budget_are_told() -> None:
    spec = {"scaling": {"mode": "Sessions", "maxReplicas": 20}, "budget": {"perDay": "12.50"}}
    draining = [{"revision": "a", "sessions": 3}, {"revision": "b", "sessions": 1}]
    status = {"replicas": 3, "readyReplicas": 2, "sessionCapacity": 20, "draining": draining}
    operator = Operator().see(1, spec, {**ready("True", "PodsReady"), **status})
    names = ("replicas", "replicas_ready", "session_capacity", "draining_sessions", "replicas_max", "budget_per_day")
    assert [operator.value(f"voiceagent_{name}") for name in names] == [3, 2, 20, 4, 20, 12.5]


def test_what_a_spec_does_not_have_is_not_told() -> None:
    operator = Operator().see(1, {"scaling": {"mode": "Manual", "maxReplicas": 20}}, ready("True", "PodsReady"))
    assert operator.value("voiceagent_replicas_max") is None, "nothing scales it"
    assert operator.value("voiceagent_budget_per_day") is None
    assert operator.value("voiceagent_draining_sessions") == 0


def test_an_agent_that_is_new_or_gone_has_no_series() -> None:
    operator = Operator().see(1, {}, {})
    assert operator.value("voiceagent_draining_sessions") is None
    operator.see(2, {}, ready("True", "PodsReady"))
    assert operator.value("voiceagent_draining_sessions") == 0
    operator.tables.note(VOICE_AGENT, DELETED, body(3, {}, {}))
    assert operator.value("voiceagent_draining_sessions") is None
