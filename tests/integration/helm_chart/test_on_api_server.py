"""What the chart makes, as a real API server takes it: nothing of it is misspelt, and its pods are restricted ones."""

import json
import os
from typing import Any

import pytest
import yaml
from chart import render_values
from chart_cases import DIGEST, ISSUED, PEER, ROUTED, SCALED, Values, nested
from voiceagent_sandbox.module_files import HTTP_ROUTE_CRD, module_file
from voiceagent_sandbox.paths import default_paths

DRY_RUN = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts", "-f", "-")
PARTS: Values = {
    f"{part}.{name}": value
    for part in ("operator", "gateway")
    for name, value in {
        "image.registry": "registry.example:5000/team",
        "image.digest": DIGEST,
        "serviceAccount.annotations": {"role": "voice"},
        "podLabels": {"mesh": "in"},
        "podAnnotations": {"mesh": "in"},
        "extraEnv": [
            {"name": "NO_PROXY", "value": "own"},
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "extraVolumes": [{"name": "more", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
        "priorityClassName": "high",
        "nodeSelector": {"pool": "a"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        "podDisruptionBudget.maxUnavailable": "50%",
        "networkPolicy.allowedFrom": [PEER],
        "networkPolicy.extraEgress": [{"ports": [{"port": 7443, "protocol": "TCP"}]}],
    }.items()
}
EVERYTHING: Values = {
    **PARTS,
    **ROUTED,
    **SCALED,
    **ISSUED,
    "gateway.auth.mode": "both",
    "global.imagePullSecrets": [{"name": "all"}],
    "imagePullSecrets": [{"name": "own"}],
    "commonLabels": {"team": "voice"},
    "commonAnnotations": {"by": "us"},
    "proxy.http": "http://proxy.example:3128",
    "proxy.https": "http://proxy.example:3128",
    "caBundle.configMapName": "authorities",
    "networkPolicy.enabled": True,
    "networkPolicy.apiServer.cidrs": ["10.0.0.1/32"],
    "networkPolicy.dnsPeers": [PEER],
    "gateway.service.type": "NodePort",
    "gateway.service.nodePort": 30080,
    "gateway.httpRoute.hostnames": ["agents.example"],
    "gateway.ingress.enabled": True,
    "gateway.ingress.host": "agents.example",
    "gateway.ingress.tlsSecretName": "tls",
    "gateway.autoscaling.behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}},
    "redis.passwordSecret.name": "redis",
    "livekitServer.enabled": True,
    "livekitServer.agentNamespaces": ["default"],
    "extraObjects": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-more"}},
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}-text'}\n",
    ],
}
SETS: dict[str, Values] = {
    "as it comes": {},
    "everything": EVERYTHING,
    "on a volume": {"gateway.history.enabled": True, "gateway.ingress.enabled": True},
    "with rights in one namespace": {"operator.namespaces": ["default"], "crds.enabled": False},
    "with nobody's rights": {"rbac.create": False, "operator.serviceAccount": {"create": False, "name": "a"}},
    "without a gateway": {"gateway.enabled": False, "networkPolicy.enabled": True},
    "beside a server on its node": {"livekitServer.enabled": True, "livekitServer.hostNetwork": True, **ROUTED},
}


@pytest.fixture(scope="module")
def http_routes(cluster: Any) -> None:
    """The Gateway API's CRD of HTTPRoutes."""
    crd = module_file(default_paths(dict(os.environ)), HTTP_ROUTE_CRD)
    if not crd.is_file():
        pytest.fail(f"No {crd}; run: make test-integration", False)
    cluster.do("apply", "--server-side", "-f", str(crd))
    cluster.do("wait", "--for=condition=Established", "crd/httproutes.gateway.networking.k8s.io", "--timeout=30s")


@pytest.mark.parametrize("name", SETS)
def test_every_object_is_taken(http_routes: None, cluster: Any, name: str) -> None:
    documents = render_values(nested(SETS[name]))
    done = cluster.kubectl(*DRY_RUN, text=yaml.safe_dump_all(documents))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(documents)


def test_what_no_api_server_knows_would_be_seen(http_routes: None, cluster: Any) -> None:
    (route,) = [d for d in render_values(nested(ROUTED)) if d["kind"] == "HTTPRoute"]
    route["spec"]["parents"] = route["spec"].pop("parentRefs")
    done = cluster.kubectl(*DRY_RUN, text=json.dumps(route))
    assert done.returncode != 0
    assert ".spec.parents: field not declared" in done.stderr


@pytest.fixture(scope="module")
def restricted(cluster: Any) -> str:
    """A namespace that takes pods of the restricted Pod Security Standard only."""
    name = "chart-restricted"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    return name


def pods(values: Values) -> list[dict[str, Any]]:
    """Pods of the templates of each Deployment, and those that are made as pods."""
    made = []
    for document in render_values(nested(values)):
        if document["kind"] == "Deployment":
            template = document["spec"]["template"]
            metadata = {"name": document["metadata"]["name"], "labels": template["metadata"]["labels"]}
            made.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
        elif document["kind"] == "Pod":
            del document["metadata"]["namespace"]
            made.append(document)
    return made


def test_every_pod_meets_the_restricted_standard(cluster: Any, restricted: str) -> None:
    made = pods({**EVERYTHING, "operator.priorityClassName": "", "gateway.priorityClassName": ""})
    assert len(made) == 4, "operator, gateway, livekit-server and the test"
    done = cluster.kubectl("--namespace", restricted, *DRY_RUN, text=yaml.safe_dump_all(made))
    assert done.returncode == 0, done.stderr


def test_a_server_on_its_nodes_network_does_not_and_is_told_so(cluster: Any, restricted: str) -> None:
    (pod,) = [
        pod
        for pod in pods({"livekitServer.enabled": True, "livekitServer.hostNetwork": True})
        if pod["metadata"]["name"].endswith("-livekit")
    ]
    done = cluster.kubectl("--namespace", restricted, *DRY_RUN, text=json.dumps(pod))
    assert "violates PodSecurity" in done.stderr
