"""For each value of the chart: what to set it to, and where that is then to be seen."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from voiceagent_sandbox.paths import REPO

Values = dict[str, Any]
ABSENT: Final = object()
"""That there is no such object, or nothing at the place."""
ROUTED: Final[Values] = {"gateway.httpRoute.enabled": True, "gateway.httpRoute.parentRefs": [{"name": "public"}]}
MANY_GATEWAYS: Final[Values] = {
    "gateway.prometheusURL": "http://prometheus.monitoring:9090",
    "redis.url": "redis://redis.cache.svc:6379/0",
}
SCALED: Final[Values] = {"gateway.autoscaling.enabled": True, **MANY_GATEWAYS}
ISSUED: Final[Values] = {
    "gateway.auth.mode": "oidc",
    "gateway.auth.oidc.issuer": "https://id.example",
    "gateway.auth.oidc.audience": "voice",
}
POLICED: Final[Values] = {"networkPolicy.enabled": True}
DIGEST: Final = "sha256:" + "0123456789abcdef" * 4
VERSION: Final = yaml.safe_load((REPO / "charts/voiceagent-operator/Chart.yaml").read_text())["appVersion"]
PEER: Final = {"podSelector": {"matchLabels": {"app": "own"}}}


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an object of the release: KIND NAME PATH…, where the path goes through YAML in texts, too."""

    kind: str
    name: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """`value` set, beside others, brings `expected` to a place; in a list, it is one of those there."""

    value: Any
    place: Place
    expected: Any
    beside: Values = field(default_factory=dict)


def at(text: str) -> Place:
    """A place by words: kind, name, and the path's names and numbers."""
    kind, name, *path = text.split()
    return Place(kind, name, tuple(path))


def find(documents: list[dict[str, Any]], place: Place, load: Any) -> Any:
    """What is at a place, or ABSENT; `load` reads YAML in texts."""
    found: Any = next((d for d in documents if (d["kind"], d["metadata"]["name"]) == (place.kind, place.name)), ABSENT)
    for name in place.path:
        if isinstance(found, str):
            found = load(found)
        if isinstance(found, dict):
            found = found.get(name, ABSENT)
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return ABSENT
    return found


def nested(values: Values) -> Values:
    """Values by their whole names, as values.yaml has them."""
    tree: Values = {}
    for name, value in values.items():
        *groups, last = name.split(".")
        place = tree
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return tree


def cases() -> Iterator[tuple[str, Case]]:
    """All of them, by the value's name."""
    yield from _general()
    yield from _part("operator", "controller")
    yield from _part("gateway", "gateway")
    for part, place in (("operator", "controller"), ("gateway", "gateway"), ("livekitServer", "livekit")):
        container = f"Deployment voiceagents-{place} spec template spec containers 0"
        yield from _image(part, at(f"{container} image"), at(f"{container} imagePullPolicy"))
    install = "ConfigMap voiceagents-install data install.yaml"
    yield from _image("worker", at(f"{install} workerImage"), at(f"{install} imagePullPolicy"))
    own = {"worker.image.repository": "own", "worker.image.tag": "1"}
    yield "worker.image.variant", Case("full", at(f"{install} workerImage"), "own-full:1", own)
    yield from _operator()
    yield from _gateway()
    yield from _reached()
    yield from _installs_file(install)
    yield from _livekit_server()


def _general() -> Iterator[tuple[str, Case]]:
    operator, pod = "Deployment voiceagents-controller", "Deployment voiceagents-controller spec template"
    crd = "CustomResourceDefinition voiceagents.voiceagents.dev"
    yield (
        "global.imageRegistry",
        Case(
            "reg.example/a",
            at(f"{pod} spec containers 0 image"),
            f"reg.example/a/voiceagent-operator/operator:{VERSION}",
        ),
    )
    yield "global.imagePullSecrets", Case([{"name": "all"}], at(f"{pod} spec imagePullSecrets"), {"name": "all"})
    yield "imagePullSecrets", Case([{"name": "own"}], at(f"{pod} spec imagePullSecrets"), {"name": "own"})
    yield "commonLabels", Case({"team": "voice"}, at(f"{operator} metadata labels team"), "voice")
    yield "commonAnnotations", Case({"by": "us"}, at(f"{operator} metadata annotations by"), "us")
    yield "crds.enabled", Case(False, at(crd), ABSENT)
    yield "crds.keep", Case(False, at(f"{crd} metadata annotations helm.sh/resource-policy"), ABSENT)
    yield "rbac.create", Case(False, at("ClusterRole default:voiceagents-controller"), ABSENT)
    yield "rbac.aggregateRoles", Case(False, at("ClusterRole default:voiceagents-view"), ABSENT)
    env = f"{pod} spec containers 0 env"
    address = "http://proxy.example:3128"
    yield "proxy.http", Case(address, at(env), {"name": "http_proxy", "value": address})
    yield "proxy.https", Case(address, at(env), {"name": "HTTPS_PROXY", "value": address})
    direct = "$(KUBERNETES_SERVICE_HOST),localhost,127.0.0.1,.svc,.cluster.local,models.example"
    yield (
        "proxy.noProxy",
        Case(["models.example"], at(env), {"name": "NO_PROXY", "value": direct}, {"proxy.http": address}),
    )
    named = {"caBundle.configMapName": "authorities"}
    yield "caBundle.configMapName", Case("mine", at(f"{pod} spec volumes 2 configMap name"), "mine")
    file = {"name": "SSL_CERT_FILE", "value": "/etc/voiceagents-ca/all.pem"}
    yield "caBundle.key", Case("all.pem", at(env), file, named)
    out = "NetworkPolicy voiceagents-controller spec egress"
    yield "networkPolicy.enabled", Case(True, at("NetworkPolicy voiceagents-gateway spec policyTypes"), "Egress")
    yield "networkPolicy.dnsPeers", Case([PEER], at(f"{out} 0 to"), PEER, POLICED)
    yield "networkPolicy.dnsPorts", Case([5353], at(f"{out} 0 ports"), {"port": 5353, "protocol": "UDP"}, POLICED)
    block = {"ipBlock": {"cidr": "10.0.0.1/32"}}
    yield "networkPolicy.apiServer.cidrs", Case(["10.0.0.1/32"], at(f"{out} 1 to"), block, POLICED)
    ports = {"port": 8443, "protocol": "TCP"}
    yield "networkPolicy.apiServer.ports", Case([8443], at(f"{out} 1 ports"), ports, POLICED)
    yield "tests.timeoutSeconds", Case(7, at("Pod voiceagents-test spec containers 0 args"), "7")
    extra = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-x"}, "data": {"a": "b"}}
    yield "extraObjects", Case([extra], at("ConfigMap voiceagents-x data a"), "b")


def _part(part: str, name: str) -> Iterator[tuple[str, Case]]:
    """What operator and gateway have in common."""
    deployment = f"Deployment voiceagents-{name}"
    pod = f"{deployment} spec template spec"
    container, template = f"{pod} containers 0", f"{deployment} spec template metadata"
    budget = f"PodDisruptionBudget voiceagents-{name}"
    yield f"{part}.replicas", Case(3, at(f"{deployment} spec replicas"), 3, MANY_GATEWAYS if part == "gateway" else {})
    yield f"{part}.logLevel", Case("DEBUG", at(f"{container} args"), "--log-level=DEBUG")
    unmade = {f"{part}.serviceAccount.name": "theirs"}
    yield f"{part}.serviceAccount.create", Case(False, at("ServiceAccount theirs"), ABSENT, unmade)
    yield f"{part}.serviceAccount.name", Case("mine", at(f"{pod} serviceAccountName"), "mine")
    account = at(f"ServiceAccount voiceagents-{name} metadata annotations role")
    yield f"{part}.serviceAccount.annotations", Case({"role": "x"}, account, "x")
    yield f"{part}.podLabels", Case({"mesh": "in"}, at(f"{template} labels mesh"), "in")
    yield f"{part}.podAnnotations", Case({"mesh": "in"}, at(f"{template} annotations mesh"), "in")
    yield f"{part}.podSecurityContext", Case({"runAsUser": 7}, at(f"{pod} securityContext runAsUser"), 7)
    security = at(f"{container} securityContext readOnlyRootFilesystem")
    yield f"{part}.containerSecurityContext", Case({"readOnlyRootFilesystem": None}, security, ABSENT)
    variable = {"name": "A", "value": "b"}
    yield f"{part}.extraEnv", Case([variable], at(f"{container} env"), variable)
    volume, mount = {"name": "more", "emptyDir": {}}, {"name": "more", "mountPath": "/more"}
    yield f"{part}.extraVolumes", Case([volume], at(f"{pod} volumes"), volume)
    yield f"{part}.extraVolumeMounts", Case([mount], at(f"{container} volumeMounts"), mount)
    limits = {"limits": {"memory": "1Gi"}}
    yield f"{part}.resources", Case(limits, at(f"{container} resources limits memory"), "1Gi")
    yield f"{part}.priorityClassName", Case("high", at(f"{pod} priorityClassName"), "high")
    yield f"{part}.nodeSelector", Case({"pool": "a"}, at(f"{pod} nodeSelector pool"), "a")
    bears = {"key": "a", "operator": "Exists"}
    yield f"{part}.tolerations", Case([bears], at(f"{pod} tolerations"), bears)
    affinity: Values = {"nodeAffinity": {}}
    yield f"{part}.affinity", Case(affinity, at(f"{pod} affinity"), affinity)
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    labels = {"app.kubernetes.io/name": f"voiceagent-{name}", "app.kubernetes.io/instance": "voiceagents"}
    selected = {**spread, "labelSelector": {"matchLabels": labels}}
    yield f"{part}.topologySpreadConstraints", Case([spread], at(f"{pod} topologySpreadConstraints"), selected)
    yield f"{part}.podDisruptionBudget.enabled", Case(False, at(budget), ABSENT)
    yield f"{part}.podDisruptionBudget.maxUnavailable", Case("50%", at(f"{budget} spec maxUnavailable"), "50%")
    policy = f"NetworkPolicy voiceagents-{name} spec"
    yield f"{part}.networkPolicy.allowedFrom", Case([PEER], at(f"{policy} ingress 0 from"), PEER, POLICED)
    rule = {"ports": [{"port": 7443, "protocol": "TCP"}]}
    yield f"{part}.networkPolicy.extraEgress", Case([rule], at(f"{policy} egress"), rule, POLICED)


def _image(part: str, image: Place, policy: Place) -> Iterator[tuple[str, Case]]:
    beside: Values = {"livekitServer.enabled": True} if part == "livekitServer" else {}
    own = {**beside, f"{part}.image.repository": "own", f"{part}.image.tag": "1"}
    yield f"{part}.image.registry", Case("r.example:5000", image, "r.example:5000/own:1", own)
    yield f"{part}.image.repository", Case("mine", image, "mine:1", own)
    yield f"{part}.image.tag", Case("2", image, "own:2", own)
    yield f"{part}.image.digest", Case(DIGEST, image, f"own@{DIGEST}", own)
    yield f"{part}.image.pullPolicy", Case("Always", policy, "Always", beside)


def _operator() -> Iterator[tuple[str, Case]]:
    container = "Deployment voiceagents-controller spec template spec containers 0"
    yield "operator.watchSecrets", Case("metadata", at(f"{container} args"), "--watch-secrets=metadata")
    traces = {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://c.monitoring:4318"}
    yield "operator.otlpEndpoint", Case("http://c.monitoring:4318", at(f"{container} env"), traces)
    yield "operator.namespaces", Case(["blue"], at("Role voiceagents-controller metadata namespace"), "blue")
    yield "operator.workers", Case(3, at(f"{container} args"), "--workers=3")


def _gateway() -> Iterator[tuple[str, Case]]:
    pod = "Deployment voiceagents-gateway spec template spec"
    env = f"{pod} containers 0 env"
    yield "gateway.enabled", Case(False, at("Deployment voiceagents-gateway"), ABSENT)
    kept = {"gateway.history.enabled": True}
    volume = f"{pod} volumes 0 persistentVolumeClaim claimName"
    claim = "PersistentVolumeClaim voiceagents-gateway-history spec"
    yield "gateway.history.enabled", Case(True, at(volume), "voiceagents-gateway-history")
    yield "gateway.history.size", Case("2Gi", at(f"{claim} resources requests storage"), "2Gi", kept)
    yield "gateway.history.storageClassName", Case("fast", at(f"{claim} storageClassName"), "fast", kept)
    yield "gateway.history.existingClaim", Case("mine", at(volume), "mine", kept)
    yield "gateway.history.maxMegabytes", Case(99, at(f"{pod} containers 0 args"), "--data-megabytes=99")
    for group, variable, key in (
        ("gateway.prometheusTokenSecret", "PROMETHEUS_TOKEN", "token"),
        ("redis.passwordSecret", "REDIS_PASSWORD", "password"),
    ):
        named = {"name": variable, "valueFrom": {"secretKeyRef": {"name": "mine", "key": key}}}
        keyed = {"name": variable, "valueFrom": {"secretKeyRef": {"name": "mine", "key": "k"}}}
        yield f"{group}.name", Case("mine", at(env), named)
        yield f"{group}.key", Case("k", at(env), keyed, {f"{group}.name": "mine"})


def _reached() -> Iterator[tuple[str, Case]]:
    """How callers reach the gateway, and how many of it there are."""
    service, ingress = "Service voiceagents-gateway", "Ingress voiceagents-gateway"
    yield "gateway.service.type", Case("LoadBalancer", at(f"{service} spec type"), "LoadBalancer")
    yield "gateway.service.port", Case(8000, at(f"{service} spec ports 0 port"), 8000)
    node = {"gateway.service.type": "NodePort"}
    yield "gateway.service.nodePort", Case(30080, at(f"{service} spec ports 0 nodePort"), 30080, node)
    yield "gateway.service.annotations", Case({"lb": "in"}, at(f"{service} metadata annotations lb"), "in")
    on = {"gateway.ingress.enabled": True}
    yield "gateway.ingress.enabled", Case(True, at(f"{ingress} kind"), "Ingress")
    yield "gateway.ingress.className", Case("nginx", at(f"{ingress} spec ingressClassName"), "nginx", on)
    yield "gateway.ingress.annotations", Case({"a": "b"}, at(f"{ingress} metadata annotations a"), "b", on)
    yield "gateway.ingress.host", Case("a.example", at(f"{ingress} spec rules 0 host"), "a.example", on)
    yield "gateway.ingress.tlsSecretName", Case("tls", at(f"{ingress} spec tls 0 secretName"), "tls", on)
    route = "HTTPRoute voiceagents-gateway"
    parents = {"gateway.httpRoute.parentRefs": [{"name": "public"}]}
    yield "gateway.httpRoute.enabled", Case(True, at(f"{route} kind"), "HTTPRoute", parents)
    yield "gateway.httpRoute.annotations", Case({"a": "b"}, at(f"{route} metadata annotations a"), "b", ROUTED)
    inner = {"name": "inner", "namespace": "gateways"}
    yield "gateway.httpRoute.parentRefs", Case([inner], at(f"{route} spec parentRefs"), inner, ROUTED)
    yield "gateway.httpRoute.hostnames", Case(["a.example"], at(f"{route} spec hostnames"), "a.example", ROUTED)
    scaler = "HorizontalPodAutoscaler voiceagents-gateway spec"
    yield "gateway.autoscaling.enabled", Case(False, at(f"{scaler} minReplicas"), ABSENT, SCALED)
    yield "gateway.autoscaling.minReplicas", Case(3, at(f"{scaler} minReplicas"), 3, SCALED)
    yield "gateway.autoscaling.maxReplicas", Case(9, at(f"{scaler} maxReplicas"), 9, SCALED)
    target = at(f"{scaler} metrics 0 resource target averageUtilization")
    yield "gateway.autoscaling.targetCPUUtilizationPercentage", Case(50, target, 50, SCALED)
    slow = {"scaleDown": {"stabilizationWindowSeconds": 9}}
    window = at(f"{scaler} behavior scaleDown stabilizationWindowSeconds")
    yield "gateway.autoscaling.behavior", Case(slow, window, 9, SCALED)


def _installs_file(install: str) -> Iterator[tuple[str, Case]]:
    """What operator and gateway read in the install's configuration."""
    auth, gateway = f"{install} gateway auth", f"{install} gateway"
    yield "gateway.auth.mode", Case("apiKeys", at(f"{auth} mode"), "apiKeys")
    yield "gateway.auth.apiKeysSecretName", Case("mine", at(f"{auth} apiKeysSecretName"), "mine")
    for name, value in {
        "issuer": "https://other.example",
        "audience": "other",
        "algorithms": ["ES512"],
        "nameClaim": "email",
        "leewaySeconds": 7,
        "agentsClaim": "agents",
        "roomsClaim": "rooms",
        "scopes": [{"claim": "groups", "agents": ["sales/*"]}],
    }.items():
        yield f"gateway.auth.oidc.{name}", Case(value, at(f"{auth} oidc {name}"), value, ISSUED)
    for name, value in {
        "allowedOrigins": ["https://a.example"],
        "trustedProxies": ["10.0.0.0/8"],
        "allowTestMetrics": True,
        "retentionHours": 5,
        "prometheusURL": "http://store:9090",
        "waitSeconds": 3,
        "maxWaiting": 4,
    }.items():
        yield f"gateway.{name}", Case(value, at(f"{gateway} {name}"), value)
    yield "gateway.tokenTTLSeconds", Case(60, at(f"{gateway} tokenTtlSeconds"), 60)
    for name in ("addressPerMinute", "callerPerMinute", "unknownKeysPerMinute"):
        yield f"gateway.rateLimits.{name}", Case(7, at(f"{gateway} rateLimits {name}"), 7)
    yield "worker.maxConcurrentRollouts", Case(2, at(f"{install} rollout maxConcurrentAgents"), 2)
    yield "worker.progressDeadlineSeconds", Case(9, at(f"{install} rollout progressDeadlineSeconds"), 9)
    yield "worker.networkPolicy.enabled", Case(False, at(f"{install} networkPolicy enabled"), False)
    yield "worker.networkPolicy.alsoFrom", Case([PEER], at(f"{install} networkPolicy allowedFrom"), PEER)
    yield "livekit.url", Case("wss://a.example", at(f"{install} livekit url"), "wss://a.example")
    yield "livekit.publicURL", Case("wss://b.example", at(f"{install} livekit publicURL"), "wss://b.example")
    yield "livekit.credentialsSecretName", Case("mine", at(f"{install} livekit credentialsSecretName"), "mine")
    yield "redis.url", Case("redis://r:1/0", at(f"{install} redis url"), "redis://r:1/0")
    yield "redis.memorySecretName", Case("memory", at(f"{install} redis memorySecretName"), "memory")
    yield "providers", Case({"openai": {"secretName": "ai"}}, at(f"{install} providers openai secretName"), "ai")
    yield "prices.currency", Case("EUR", at(f"{install} prices currency"), "EUR")
    priced = {"openai": {"perAudioMinute": "0.1"}}
    yield "prices.models", Case(priced, at(f"{install} prices models openai perAudioMinute"), "0.1")


def _livekit_server() -> Iterator[tuple[str, Case]]:
    on = {"livekitServer.enabled": True}
    pod = "Deployment voiceagents-livekit spec template spec"
    container = f"{pod} containers 0"
    address = "ws://voiceagents-livekit.default.svc:7880"
    url = at("ConfigMap voiceagents-install data install.yaml livekit url")
    yield "livekitServer.enabled", Case(True, url, address)
    yield "livekitServer.existingSecret", Case("mine", at(f"{container} env 1 valueFrom secretKeyRef name"), "mine", on)
    yield "livekitServer.agentNamespaces", Case(["blue"], at("Secret livekit metadata namespace"), "blue", on)
    yield "livekitServer.hostNetwork", Case(True, at(f"{pod} hostNetwork"), True, on)
    for number, (name, port) in enumerate((("signal", 1), ("tcp", 2), ("udp", 3))):
        yield f"livekitServer.ports.{name}", Case(port, at(f"{container} ports {number} containerPort"), port, on)
    limits = {"limits": {"memory": "9Gi"}}
    yield "livekitServer.resources", Case(limits, at(f"{container} resources limits memory"), "9Gi", on)
    yield "livekitServer.nodeSelector", Case({"pool": "a"}, at(f"{pod} nodeSelector pool"), "a", on)
    bears = {"key": "a", "operator": "Exists"}
    yield "livekitServer.tolerations", Case([bears], at(f"{pod} tolerations"), bears, on)
