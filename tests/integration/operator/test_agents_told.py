"""What a running operator tells Prometheus of its agents, and that tests of dashboards are made of the same."""

import urllib.request
from typing import Any

from exposed_metrics import Exposed, operator_text
from prometheus_client.parser import text_string_to_metric_families


def told(operator: Any) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{operator.port}/metrics", timeout=10) as answer:
        return bytes(answer.read())


def conditions(operator: Any, namespace: str) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition of the namespace's agent."""
    return {
        sample.labels["type"]: (sample.labels["status"], sample.labels["reason"])
        for family in text_string_to_metric_families(told(operator).decode())
        for sample in family.samples
        if sample.name == "voiceagent_condition" and sample.labels["namespace"] == namespace
    }


def test_an_agents_conditions_are_told_as_they_are_in_its_status(operator: Any, space: Any) -> None:
    space.apply(scaling={"mode": "Manual"}, replicas=1, budget={"perDay": "20.00"})
    space.until_deployed()
    space.serve()

    def same() -> bool:
        status = (space.get("voiceagents") or {})["status"]
        written = {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}
        return written["Ready"][0] == "True" and conditions(operator, space.name) == written

    space.cluster.until(same, "the operator tells of the conditions that it wrote")
    space.do("delete", "voiceagent", "receptionist")
    space.cluster.until(lambda: not conditions(operator, space.name), "a deleted agent is told of no more")


def test_what_dashboards_are_checked_with_is_what_an_operator_tells(operator: Any, space: Any) -> None:
    space.apply(scaling={"mode": "Sessions"}, budget={"perDay": "20.00"})
    space.until_reason("PodsNotReady")
    checked, real = Exposed().take_in(operator_text()), Exposed()

    def complete() -> bool:
        real.take_in(told(operator))
        return not {name for name in checked.metrics if "watch_errors" not in name} - set(real.metrics)

    space.cluster.until(complete, "every metric of the registry is there")
    for name, labels in real.metrics.items():
        if name in checked.metrics:
            assert set(labels) == set(checked.metrics[name]), name
