"""What holds of all that the chart makes, and of parts that must fit one another."""

from collections.abc import Iterator
from typing import Any

import pytest
from chart import render_values
from chart_cases import ISSUED, PEER, POLICED, ROUTED, Values, nested
from voiceagent_api.names import WORKER_PORT, WORKER_SELECTOR

COMMON: Values = {"commonLabels": {"team": "voice"}, "commonAnnotations": {"by": "us"}}
MANY: Values = {
    **COMMON,
    **POLICED,
    **ROUTED,
    "gateway.ingress.enabled": True,
    "gateway.auth.mode": "apiKeys",
    "livekitServer.enabled": True,
    "gateway.history.enabled": True,
}
CLUSTER_WIDE = {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}


def objects(values: Values, namespace: str = "home") -> list[dict[str, Any]]:
    return render_values(nested(values), namespace)


def one(documents: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = [d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, f"voiceagents-{name}")]
    return found


def test_all_objects_and_pods_have_the_common_labels_and_annotations() -> None:
    documents = objects(MANY)
    assert len({document["kind"] for document in documents}) >= 15
    metas = [document["metadata"] for document in documents]
    metas += [document["spec"]["template"]["metadata"] for document in documents if document["kind"] == "Deployment"]
    for meta in metas:
        assert meta["labels"]["team"] == "voice", meta
        assert meta["annotations"]["by"] == "us", meta


def test_common_labels_do_not_break_what_selects_pods() -> None:
    for document in objects({"commonLabels": {"app.kubernetes.io/name": "x", "app.kubernetes.io/instance": "y"}}):
        if document["kind"] == "Deployment":
            chosen = document["spec"]["selector"]["matchLabels"]
            assert chosen.items() <= document["spec"]["template"]["metadata"]["labels"].items()
            assert set(chosen.values()) & {"x", "y"} == set()


def test_what_is_not_of_the_whole_cluster_says_its_namespace_and_what_is_has_it_in_its_name() -> None:
    for document in objects(MANY):
        meta = document["metadata"]
        if document["kind"] not in CLUSTER_WIDE:
            assert meta["namespace"] == "home", document
        elif document["kind"] != "CustomResourceDefinition":
            assert meta["name"].startswith("home:voiceagents-")


def pods(documents: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Labels of the pods of each Deployment."""
    return {
        d["metadata"]["name"]: d["spec"]["template"]["metadata"]["labels"]
        for d in documents
        if d["kind"] == "Deployment"
    }


@pytest.mark.parametrize("kind", ["Service", "NetworkPolicy", "PodDisruptionBudget"])
def test_what_selects_pods_selects_those_of_its_own_name(kind: str) -> None:
    documents = objects(MANY)
    labels = pods(documents)
    found = [document for document in documents if document["kind"] == kind]
    assert len(found) >= 2
    for document in found:
        spec = document["spec"]
        selector = spec.get("podSelector") or spec["selector"]
        chosen = selector.get("matchLabels", selector)
        assert [name for name, own in labels.items() if chosen.items() <= own.items()] == [document["metadata"]["name"]]


def egress(values: Values, part: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = one(objects({**POLICED, **values}), "NetworkPolicy", part)["spec"]["egress"]
    return found


def ports(rule: dict[str, Any]) -> list[int]:
    return [port["port"] for port in rule["ports"]]


def test_the_ports_of_the_addresses_that_values_name_are_open_to_who_needs_them() -> None:
    values: Values = {
        **ISSUED,
        "livekit.url": "wss://livekit.example",
        "redis.url": "redis://redis.cache.svc:6380/0",
        "gateway.prometheusURL": "http://prometheus.monitoring:9090",
        "operator.otlpEndpoint": "http://collector.monitoring:4318",
        "proxy.https": "http://proxy.example:3128",
    }
    assert ports(egress(values, "controller")[3]) == [3128, 4318, 443]
    assert ports(egress(values, "gateway")[3]) == [3128, 443, 6380, 9090]
    assert ports(egress({"redis.url": "redis://r/0", "livekit.url": "ws://l"}, "gateway")[3]) == [6379, 80]


def test_without_addresses_nothing_but_names_the_api_server_and_worker_pods_is_open() -> None:
    names, server, workers = egress({}, "controller")
    assert (ports(names), ports(server), ports(workers)) == ([53, 53], [443, 6443], [WORKER_PORT])


@pytest.mark.parametrize("part", ["controller", "gateway"])
def test_worker_pods_are_reached_where_they_are_served(part: str) -> None:
    (peer,) = egress({}, part)[2]["to"]
    assert peer["namespaceSelector"] == {}
    assert ",".join(f"{name}={value}" for name, value in peer["podSelector"]["matchLabels"].items()) == WORKER_SELECTOR
    (peer,) = egress({"operator.namespaces": ["blue", "green"]}, part)[2]["to"]
    (chosen,) = peer["namespaceSelector"]["matchExpressions"]
    assert chosen == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["blue", "green"]}


@pytest.mark.parametrize(("part", "value"), [("controller", "operator"), ("gateway", "gateway")])
def test_who_names_peers_still_lets_helm_test_in(part: str, value: str) -> None:
    documents = objects({**POLICED, f"{value}.networkPolicy.allowedFrom": [PEER]})
    (rule,) = one(documents, "NetworkPolicy", part)["spec"]["ingress"]
    mine, test = rule["from"]
    assert mine == PEER
    asks = one(documents, "Pod", "test")["metadata"]["labels"]
    assert test["podSelector"]["matchLabels"].items() <= asks.items()


def backends(documents: list[dict[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    """Path, Service and port of each route from outside."""
    for path in one(documents, "Ingress", "gateway")["spec"]["rules"][0]["http"]["paths"]:
        service = path["backend"]["service"]
        yield path["path"], service["name"], service["port"]["name"]
    for rule in one(documents, "HTTPRoute", "gateway")["spec"]["rules"]:
        (backend,) = rule["backendRefs"]
        yield rule["matches"][0]["path"]["value"], backend["name"], backend["port"]


def test_every_route_leads_to_a_port_that_its_service_has() -> None:
    documents = objects({**MANY, "gateway.service.port": 8000, "livekitServer.ports.signal": 7000})
    routes = list(backends(documents))
    assert [(path, name) for path, name, _ in routes] == [
        ("/rtc", "voiceagents-livekit"),
        ("/", "voiceagents-gateway"),
    ] * 2
    for _, name, port in routes:
        (has,) = one(documents, "Service", name.removeprefix("voiceagents-"))["spec"]["ports"]
        assert port in (has["name"], has["port"])


def test_an_autoscaler_and_the_deployment_do_not_both_say_how_many() -> None:
    scaled: Values = {
        "gateway.autoscaling.enabled": True,
        "gateway.prometheusURL": "http://p:9090",
        "redis.url": "redis://r",
    }
    assert "replicas" not in one(objects(scaled), "Deployment", "gateway")["spec"]
    assert one(objects({}), "Deployment", "gateway")["spec"]["replicas"] == 1


def test_an_environment_variable_of_ones_own_takes_the_place_of_the_charts() -> None:
    own = [{"name": "NO_PROXY", "value": "mine"}]
    values: Values = {"proxy.http": "http://p:1", "gateway.extraEnv": own, "operator.extraEnv": own}
    for part in ("controller", "gateway"):
        (container,) = one(objects(values), "Deployment", part)["spec"]["template"]["spec"]["containers"]
        names = [variable["name"] for variable in container["env"]]
        assert len(names) == len(set(names))
        assert own[0] in container["env"]
        assert "HTTP_PROXY" in names
