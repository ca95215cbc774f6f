"""The chart's objects for the Prometheus operator and Grafana: as its CRDs have them, and alerts that fire when due."""

import copy
import json
import os
from pathlib import Path
from typing import Any

import alert_cases
import pytest
import yaml
from chart import CHART, helm, render, template
from voiceagent_sandbox.module_files import MONITORING_CRDS, module_file
from voiceagent_sandbox.paths import default_paths

KINDS = ("ServiceMonitor", "PodMonitor", "PrometheusRule")
ALL = tuple(f"monitoring.{part}.enabled=true" for part in ("serviceMonitor", "podMonitor", "rules", "dashboards"))
CASES: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "monitoring_cases.yaml").read_text(encoding="utf-8")
)
MONITOR_VALUES = (
    "labels.release=prometheus",
    "namespace=monitoring",
    "interval=15s",
    "scrapeTimeout=10s",
    "relabelings[0].targetLabel=cluster",
    "relabelings[0].replacement=blue",
    "metricRelabelings[0].action=drop",
    "metricRelabelings[0].regex=.*_created",
    "metricRelabelings[0].sourceLabels={__name__}",
)


def of_kind(kind: str, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [document for document in documents if document["kind"] == kind]


def alerts(*settings: str) -> dict[str, dict[str, Any]]:
    """The alerts that the chart makes, by name."""
    (rules,) = of_kind("PrometheusRule", render("monitoring.rules.enabled=true", *settings))
    return {rule["alert"]: rule for group in rules["spec"]["groups"] for rule in group["rules"]}


def test_by_default_there_is_nothing_of_it() -> None:
    documents = render()
    assert not {document["kind"] for document in documents} & set(KINDS)
    assert not [document for document in documents if "dashboard" in document["metadata"]["name"]]
    assert not [document for document in documents if document["metadata"]["name"].endswith("-metrics")]


def test_values_of_a_release_from_before_do_without_it() -> None:
    """`helm upgrade --reuse-values` has none of the values that came since."""
    assert not {document["kind"] for document in render("monitoring=null")} & set(KINDS)


@pytest.fixture(scope="module")
def monitoring_crds(cluster: Any) -> None:
    """The Prometheus operator's CRDs."""
    for crd in MONITORING_CRDS:
        file = module_file(default_paths(dict(os.environ)), crd)
        if not file.is_file():
            pytest.fail(f"No {file}; run: make test-integration", False)
        cluster.do("apply", "--server-side", "-f", str(file))
        cluster.do("wait", "--for=condition=Established", f"-f={file}", "--timeout=30s")


@pytest.fixture(scope="module")
def with_values() -> list[dict[str, Any]]:
    """What the chart makes with every value of monitoring set."""
    monitors = [f"monitoring.{part}.{value}" for part in ("serviceMonitor", "podMonitor") for value in MONITOR_VALUES]
    return render(
        *ALL,
        *monitors,
        "gateway.auth.mode=apiKeys",
        "monitoring.serviceMonitor.gatewayTokenSecret.name=prometheus-key",
        "monitoring.serviceMonitor.gatewayTokenSecret.key=key",
        "monitoring.rules.labels.release=prometheus",
        "monitoring.rules.alertLabels.team=voice",
        "monitoring.rules.namespace=monitoring",
        "monitoring.rules.disabled={VoiceAgentStalled}",
        "monitoring.rules.runbookURL=https://docs.example/runbooks/",
        "monitoring.dashboards.namespace=grafana",
        "monitoring.dashboards.label=dash",
        "monitoring.dashboards.labelValue=yes",
        "monitoring.dashboards.folder=Calls",
        "monitoring.dashboards.folderAnnotation=dash/folder",
    )


def dry_run(cluster: Any, document: dict[str, Any]) -> Any:
    arguments = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
    return cluster.kubectl(*arguments, text=json.dumps(document))


@pytest.mark.parametrize("kind", [*KINDS, "ConfigMap", "Service"])
def test_the_api_server_takes_them_with_the_prometheus_operators_crds(
    cluster: Any, monitoring_crds: None, with_values: list[dict[str, Any]], kind: str
) -> None:
    documents = of_kind(kind, render(*ALL)) + of_kind(kind, with_values)
    assert documents
    for document in documents:
        here = {**document, "metadata": {**document["metadata"], "namespace": "default"}}
        done = dry_run(cluster, here)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("kind", "path", "value", "told"),
    [
        ("ServiceMonitor", ("spec", "endpoints", 0, "intervall"), "30s", "field not declared"),
        ("ServiceMonitor", ("spec", "endpoints", 0, "interval"), "soon", "should match"),
        ("PodMonitor", ("spec", "podMetricsEndpoints", 0, "honorLabels"), "yes", "honorLabels"),
        ("PrometheusRule", ("spec", "groups", 0, "rules", 0, "for"), "soon", "should match"),
    ],
)
def test_the_crds_refuse_what_is_wrong(
    cluster: Any, monitoring_crds: None, kind: str, path: tuple[Any, ...], value: Any, told: str
) -> None:
    wrong = copy.deepcopy(of_kind(kind, render(*ALL))[0])
    where: Any = wrong
    for step in path[:-1]:
        where = where[step]
    where[path[-1]] = value
    done = dry_run(cluster, wrong)
    assert done.returncode != 0
    assert told in done.stderr


def test_monitors_carry_their_values(with_values: list[dict[str, Any]]) -> None:
    monitors = of_kind("ServiceMonitor", with_values) + of_kind("PodMonitor", with_values)
    assert len(monitors) == 3
    for monitor in monitors:
        assert monitor["metadata"]["namespace"] == "monitoring"
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        (endpoint,) = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
        assert endpoint["honorLabels"] is True, "namespace is the agent's"
        assert (endpoint["path"], endpoint["interval"], endpoint["scrapeTimeout"]) == ("/metrics", "15s", "10s")
        assert endpoint["relabelings"] == [{"targetLabel": "cluster", "replacement": "blue"}]
        assert endpoint["metricRelabelings"] == [
            {"action": "drop", "regex": ".*_created", "sourceLabels": ["__name__"]}
        ]
        sends = {"type": "Bearer", "credentials": {"name": "prometheus-key", "key": "key"}}
        is_gateway = monitor["metadata"]["name"].endswith("gateway-metrics")
        assert endpoint.get("authorization") == (sends if is_gateway else None), "no other is told the key"


def test_each_service_monitor_finds_its_own_service_and_that_its_pods() -> None:
    documents = render(*ALL)
    services = of_kind("Service", documents)
    deployments = {one["metadata"]["name"]: one for one in of_kind("Deployment", documents)}
    for monitor in of_kind("ServiceMonitor", documents):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        (service,) = [one for one in services if wanted <= one["metadata"]["labels"].items()]
        assert monitor["spec"]["namespaceSelector"]["matchNames"] == [service["metadata"]["namespace"]]
        (port,) = service["spec"]["ports"]
        assert monitor["spec"]["endpoints"][0]["port"] == port["name"]
        template = deployments[service["metadata"]["name"].removesuffix("-metrics")]["spec"]["template"]
        assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
        (container,) = template["spec"]["containers"]
        known = {one["name"]: one["containerPort"] for one in container["ports"]}
        assert known[port["targetPort"]] == port["port"]


def test_without_a_gateway_there_is_no_monitor_of_one() -> None:
    names = [one["metadata"]["name"] for one in of_kind("ServiceMonitor", render(*ALL, "gateway.enabled=false"))]
    assert names == ["voiceagents-controller-metrics"]


def test_workers_are_looked_for_where_the_operator_serves() -> None:
    (everywhere,) = of_kind("PodMonitor", render(*ALL))
    assert everywhere["spec"]["namespaceSelector"] == {"any": True}
    (named,) = of_kind("PodMonitor", render(*ALL, "operator.namespaces={blue,green}"))
    assert named["spec"]["namespaceSelector"] == {"matchNames": ["blue", "green"]}


def test_a_gateway_that_asks_for_a_key_needs_one_for_prometheus() -> None:
    settings = ("monitoring.serviceMonitor.enabled=true", "gateway.auth.mode=apiKeys")
    done = helm("template", "x", str(CHART), *[word for one in settings for word in ("--set", one)])
    assert done.returncode != 0
    assert "monitoring.serviceMonitor.gatewayTokenSecret.name" in done.stderr


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("monitoring.rules.thresholds.failedCallsRatio=5.5", "failedCallsRatio"),
        ("monitoring.podMonitor.interval=soon", "interval"),
        ("monitoring.rules.thresholds.budgetRatio=80", "budgetRatio"),
        ("monitoring.rules.thresholds.latency=3", "latency"),
        ("monitoring.dashboard.enabled=true", "dashboard"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(setting: str, named: str) -> None:
    done = helm("template", "x", str(CHART), "--set", setting)
    assert done.returncode != 0
    assert named in done.stderr


def test_dashboards_are_found_by_their_label_in_their_folder(with_values: list[dict[str, Any]]) -> None:
    plain = [one for one in of_kind("ConfigMap", render(*ALL)) if "-dashboard-" in one["metadata"]["name"]]
    files = sorted((CHART / "files/dashboards").glob("*.json"))
    assert len(plain) == len(files) == 4
    for one in plain:
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert one["metadata"]["annotations"] == {"grafana_folder": "Voice agents"}
    told = {name: json.loads(text) for one in plain for name, text in one["data"].items()}
    assert told == {f"voiceagents-{file.name}": json.loads(file.read_text(encoding="utf-8")) for file in files}
    for one in [one for one in of_kind("ConfigMap", with_values) if "-dashboard-" in one["metadata"]["name"]]:
        assert one["metadata"]["namespace"] == "grafana"
        assert one["metadata"]["labels"]["dash"] == "yes"
        assert one["metadata"]["annotations"] == {"dash/folder": "Calls"}


def test_each_alert_carries_its_runbook_and_the_labels_that_values_add(with_values: list[dict[str, Any]]) -> None:
    plain = alerts()
    assert set(plain) == set(CASES)
    for name, rule in plain.items():
        assert rule["annotations"]["runbook"] == f"docs/runbooks.md#{name.lower()}"
        assert "runbook_url" not in rule["annotations"]
        assert "${" not in rule["expr"]
    (rules,) = of_kind("PrometheusRule", with_values)
    assert rules["metadata"]["labels"]["release"] == "prometheus"
    found = {rule["alert"]: rule for group in rules["spec"]["groups"] for rule in group["rules"]}
    assert set(plain) - set(found) == {"VoiceAgentStalled"}
    for name, rule in found.items():
        assert rule["annotations"]["runbook_url"] == f"https://docs.example/runbooks/#{name.lower()}"
        assert "runbook" not in rule["annotations"]
        assert rule["labels"] == {**plain[name]["labels"], "team": "voice"}


def test_an_address_of_runbooks_that_is_none_is_refused() -> None:
    done = template({"monitoring": {"rules": {"enabled": True, "runbookURL": "docs/runbooks.md"}}})
    assert done.returncode != 0
    assert "runbookURL" in done.stderr


def test_thresholds_are_those_of_the_values() -> None:
    told = alerts(
        "monitoring.rules.thresholds.latencyP95Seconds=1.5",
        "monitoring.rules.thresholds.failedCallsRatio=0.25",
        "monitoring.rules.thresholds.budgetRatio=0.9",
    )
    assert "> 1.5\n" in told["VoiceAgentAnswersSlow"]["expr"]
    assert "> 0.25\n" in told["VoiceAgentCallsFailing"]["expr"]
    assert "> 0.9\n" in told["VoiceAgentBudgetNearlyUsed"]["expr"]


@pytest.fixture(scope="module")
def rendered() -> dict[str, dict[str, Any]]:
    return alerts()


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires_when_it_is_due_and_only_then(
    tmp_path: Path, rendered: dict[str, dict[str, Any]], alert: str
) -> None:
    rule = rendered[alert]
    case = CASES[alert]
    tests = [alert_cases.fires(rule, case)]
    tests += [alert_cases.silent(rule, series) for series in case["silent"]]
    wrong = alert_cases.run(tmp_path, rule, tests)
    assert not wrong, wrong


def test_a_case_that_does_not_hold_is_found(tmp_path: Path, rendered: dict[str, dict[str, Any]]) -> None:
    rule = rendered["VoiceAgentBudgetExceeded"]
    case = CASES["VoiceAgentBudgetExceeded"]
    tests = [alert_cases.fires(rule, {**case, "fires": case["silent"][0]})]
    assert "VoiceAgentBudgetExceeded" in alert_cases.run(tmp_path, rule, tests)
    tests = [alert_cases.silent(rule, case["fires"])]
    assert "VoiceAgentBudgetExceeded" in alert_cases.run(tmp_path, rule, tests)
