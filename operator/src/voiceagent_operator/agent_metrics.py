"""What the operator last wrote of each VoiceAgent, as numbers for Prometheus. Alerts and dashboards are made of them.

All operators tell them, those too that stand by, so that nothing is missing while one follows another: take the
greatest, not the sum.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from voiceagent_operator.objects import Object, place

AGENT_LABELS: Final = ("namespace", "agent")
_STATUS_FIELDS: Final = {
    "replicas": ("voiceagent_replicas", "Worker pods that exist."),
    "readyReplicas": ("voiceagent_replicas_ready", "Worker pods that are registered and not draining."),
    "sessionCapacity": ("voiceagent_session_capacity", "Calls that the ready pods take at once."),
}


class AgentGauges(Collector):
    """For a registry: read when Prometheus asks."""

    def __init__(self, agents: Callable[[], Iterable[Object]]) -> None:
        self._agents = agents

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The families without their samples."""
        yield from agent_families(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families now."""
        yield from agent_families(self._agents())


def agent_families(agents: Iterable[Object]) -> Iterator[GaugeMetricFamily]:
    """VoiceAgents as metric families; one that was never reconciled has no sample. Pure."""
    condition = GaugeMetricFamily(
        "voiceagent_condition",
        "1 for each condition of a VoiceAgent, with its status (True, False, Unknown) and its reason as labels.",
        labels=[*AGENT_LABELS, "type", "status", "reason"],
    )
    counts = {field: _gauge(*told) for field, told in _STATUS_FIELDS.items()}
    most = _gauge("voiceagent_replicas_max", "Worker pods that spec.scaling allows, where pods follow the calls.")
    draining = _gauge("voiceagent_draining_sessions", "Calls on pods that take no new ones.")
    budget = _gauge("voiceagent_budget_per_day", "spec.budget.perDay, in the currency of the install's prices.")
    for body in agents:
        spec, status, labels = body.get("spec") or {}, body.get("status") or {}, list(place(body))
        if not status.get("conditions"):
            continue
        for one in status["conditions"]:
            condition.add_metric([*labels, one["type"], one["status"], one["reason"]], 1)
        for field, family in counts.items():
            _add(family, labels, status.get(field))
        _add(most, labels, _max_replicas(spec))
        draining.add_metric(labels, sum(one.get("sessions", 0) for one in status.get("draining") or ()))
        _add(budget, labels, (spec.get("budget") or {}).get("perDay"))
    yield from (condition, *counts.values(), most, draining, budget)


def _max_replicas(spec: Mapping[str, Any]) -> int | None:
    scaling = spec.get("scaling") or {}
    return scaling.get("maxReplicas") if scaling.get("mode") == "Sessions" else None


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=AGENT_LABELS)


def _add(family: GaugeMetricFamily, labels: list[str], value: Any) -> None:
    if value is not None:
        family.add_metric(labels, float(value))
