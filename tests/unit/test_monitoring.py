"""The chart's dashboards and alerts ask only for what operator, gateway and workers tell."""

import asyncio
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from alert_cases import series_of
from exposed_metrics import Exposed, exposed
from promql_checks import Wrong, labels_of, legend_labels, matched
from voiceagent_gateway.prometheus_text import ALERTED_PROBLEMS
from voiceagent_sandbox.paths import REPO

CHART = REPO / "charts" / "voiceagent-operator"
DASHBOARDS = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in CHART.glob("files/dashboards/*.json")}
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
ALERTS = {
    rule["alert"]: rule
    for group in yaml.safe_load((CHART / "files/alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, page in sorted(DASHBOARDS.items())
    for panel in page["panels"]
    if panel["type"] != "row"
]
VARIABLES = {
    "$__rate_interval": "5m",
    "$__range": "3h",
    '=~"$namespace"': '=~".*"',
    '"$namespace"': '"default"',
    '"$agent"': '"desk"',
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Exposed:
    folder = tmp_path_factory.mktemp("gateway")
    with ThreadPoolExecutor(1) as thread:  # where no other test's loop is
        return thread.submit(asyncio.run, exposed(folder)).result(60)


def query_of(text: str) -> str:
    """A query with the page's choices made."""
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return text


def alert_query(alert: str) -> str:
    """An alert's query with the values' thresholds."""
    text = str(ALERTS[alert]["expr"])
    for name, value in VALUES["monitoring"]["rules"]["thresholds"].items():
        text = text.replace(f"${{{name}}}", str(value))
    return text


def test_there_is_a_dashboard_for_the_fleet_an_agent_the_operator_and_the_gateway() -> None:
    assert set(DASHBOARDS) == {"fleet", "agent", "operator", "gateway"}
    uids = [page["uid"] for page in DASHBOARDS.values()]
    assert len(set(uids)) == len(uids)
    for page in DASHBOARDS.values():
        ids = [panel["id"] for panel in page["panels"]]
        assert len(set(ids)) == len(ids)
        for panel in page["panels"]:
            assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_the_committed_dashboards_are_those_that_the_tool_makes() -> None:
    done = subprocess.run(
        [sys.executable, REPO / "tools/dashboards", "--check"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_for_what_is_told(panel: dict[str, Any], told: Exposed) -> None:
    assert panel["targets"]
    for target in panel["targets"]:
        labels = labels_of(query_of(target["expr"]), told.metrics)
        legend = "" if target["legendFormat"] == "__auto" else target["legendFormat"]
        assert legend_labels(legend) <= labels, target["expr"]
        for transformation in panel.get("transformations", ()):
            columns = set(transformation["options"]["renameByName"]) - {"Value"}
            assert columns == labels, target["expr"]


def test_a_pages_choices_are_values_of_labels_that_are_told(told: Exposed) -> None:
    for page in DASHBOARDS.values():
        for variable in page["templating"]["list"]:
            if variable["type"] == "query":
                asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
                assert asked
                assert asked[2] in labels_of(query_of(asked[1]), told.metrics)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_asks_for_what_is_told(alert: str, told: Exposed) -> None:
    labels = labels_of(alert_query(alert), told.metrics)
    annotations = ALERTS[alert]["annotations"]
    assert set(annotations) == {"summary", "description"}
    assert legend_labels(" ".join(annotations.values())) <= labels
    assert ALERTS[alert]["labels"]["severity"] in ("critical", "warning", "info")


@pytest.mark.parametrize("alert", ALERTS)
def test_the_series_that_an_alert_is_tried_with_are_told(alert: str, told: Exposed) -> None:
    cases = yaml.safe_load((REPO / "tests/integration/monitoring_cases.yaml").read_text(encoding="utf-8"))
    for series in (cases[alert]["fires"], *cases[alert]["silent"]):
        for selector in series_of(series):
            labels_of(selector, told.metrics)


def test_refusals_that_alerts_watch_are_told_from_the_start_and_are_problems_of_the_gateway() -> None:
    named = {value for alert in ALERTS for label, value in matched(alert_query(alert)) if label == "problem"}
    assert named == set(ALERTED_PROBLEMS)
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for file in (REPO / "gateway/src").rglob("*.py")
        if file.name != "prometheus_text.py"
    )
    assert not {name for name in named if f'"{name}"' not in code}


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("voiceagent_session_active", "nobody tells voiceagent_session_active"),
        ('voiceagent_sessions_active{pool="a"}', "no label pool"),
        ('voiceagent_sessions_ended_total{outcome=~"error|lost"}', "never lost"),
        ("sum by (outcome) (voiceagent_sessions_active)", "no label outcome"),
        ("voiceagent_sessions_active > voiceagent_operator_leader", "the same labels"),
        (
            "histogram_quantile(0.95, sum by (agent) (rate(voiceagent_stt_latency_seconds_bucket[5m])))",
            "the label le",
        ),
        ("sum(rate(voiceagent_sessions_active))", "no PromQL"),
        ("sum by agent voiceagent_sessions_active", "no PromQL"),
    ],
)
def test_a_wrong_query_is_found(query: str, wrong: str, told: Exposed) -> None:
    with pytest.raises(Wrong, match=wrong):
        labels_of(query, told.metrics)


def test_each_alert_has_its_runbook_and_each_runbook_its_alert() -> None:
    page = (REPO / "docs/runbooks.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (VoiceAgent\w+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(ALERTS)
    for alert, text in sections.items():
        for part in ("**Meaning.**", "**Check.**", "**Cure.**"):
            assert part in text, f"{alert} lacks {part}"


def test_a_dashboard_names_nobody_outside() -> None:
    for file in Path(CHART / "files/dashboards").iterdir():
        assert "http" not in file.read_text(encoding="utf-8")
