"""What the chart refuses, with a sentence that says what to do; and what its notes tell."""

import pytest
from chart import CHART, helm, template
from chart_cases import ISSUED, SCALED, Values, nested


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({**SCALED, "gateway.history.enabled": True}, "the history is in SQLite"),
        ({**SCALED, "gateway.prometheusURL": ""}, "set gateway.prometheusURL"),
        ({**SCALED, "redis.url": ""}, "set redis.url"),
        ({**SCALED, "gateway.autoscaling.minReplicas": 9}, "lower the first or raise the second"),
        ({"gateway.replicas": 2, "redis.url": "redis://r:6379"}, "gateway.replicas is more than 1, and the history"),
        ({"gateway.replicas": 2, "gateway.prometheusURL": "http://p:9090"}, "must not promise one place twice"),
        ({"gateway.httpRoute.enabled": True}, "name yours in gateway.httpRoute.parentRefs"),
        ({**ISSUED, "gateway.auth.oidc.audience": ""}, "set gateway.auth.oidc.issuer and gateway.auth.oidc.audience"),
        ({"gateway.serviceAccount.create": False}, "set serviceAccount.name to one that is there"),
        (
            {
                "livekitServer.enabled": True,
                "livekitServer.existingSecret": "mine",
                "livekitServer.agentNamespaces": ["default"],
            },
            "put them there yourself",
        ),
        ({"proxy.http": "http://user:secret@proxy:3128"}, "/proxy/http"),
        ({"operator.image.digest": "sha256:1"}, "/operator/image/digest"),
        ({"livekitServer.password": "x"}, "password"),
    ],
)
def test_what_cannot_be_is_refused(values: Values, told: str) -> None:
    done = template(nested(values))
    assert done.returncode != 0
    assert told in done.stderr


def test_values_of_an_older_chart_are_told_of_in_a_sentence() -> None:
    new = ("commonLabels", "commonAnnotations", "proxy", "caBundle", "networkPolicy", "livekitServer", "tests")
    parts = {
        part: dict.fromkeys(("serviceAccount", "podSecurityContext", "extraEnv", "podDisruptionBudget"))
        for part in ("operator", "gateway")
    }
    done = template({**dict.fromkeys(new), **parts, "extraObjects": None})
    assert done.returncode != 0
    assert "upgrade with --reset-then-reuse-values in place of --reuse-values" in done.stderr


def test_a_gateway_that_is_not_there_needs_nothing() -> None:
    assert template(nested({**SCALED, "redis.url": "", "gateway.enabled": False})).returncode == 0


@pytest.mark.parametrize(("version", "taken"), [("1.28.9", False), ("1.29.0", True), ("1.35.4", True)])
def test_kubernetes_is_taken_from_1_29_on(version: str, taken: bool) -> None:
    done = helm("template", "x", str(CHART), "--kube-version", version)
    assert (done.returncode == 0) == taken
    assert taken or "incompatible with Kubernetes v1.28.9" in done.stderr


def notes(*settings: str) -> str:
    sets = [word for setting in settings for word in ("--set", setting)]
    done = helm("install", "calls", str(CHART), "--namespace", "home", "--dry-run=client", *sets)
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("NOTES:")[2]


def test_the_notes_begin_with_the_next_command() -> None:
    told = notes()
    assert "helm test calls -n home" in told
    assert "kubectl port-forward -n home svc/calls-gateway 8000:80" in told


@pytest.mark.parametrize(
    ("settings", "told", "untold"),
    [
        ((), "No LiveKit address is set", "livekitServer is for trying out"),
        (("livekitServer.enabled=true",), "livekitServer is for trying out", "No LiveKit address is set"),
        (("livekitServer.enabled=true",), "get secret calls-livekit-keys -n home", "port-forward -n livekit"),
        (
            ("livekitServer.enabled=true", "livekitServer.agentNamespaces={default}"),
            "create secret generic openai",
            "create secret generic livekit",
        ),
        (("livekitServer.enabled=true", "livekit.url=wss://a.example"), "runs a LiveKit server that nobody uses", "x:"),
        (("crds.enabled=false",), "Give each its own operator.namespaces", "authorities"),
        (("crds.enabled=false", "operator.namespaces={blue}"), "serves the namespaces blue", "Give each its own"),
        (("caBundle.configMapName=authorities",), "The ConfigMap authorities is needed", "serves the namespaces"),
        (
            ("gateway.ingress.enabled=true", "gateway.ingress.host=a.example", "gateway.ingress.tlsSecretName=t"),
            "Call it at https://a.example/",
            "port-forward",
        ),
    ],
)
def test_the_notes_tell_of_what_is_to_be_done(settings: tuple[str, ...], told: str, untold: str) -> None:
    text = notes(*settings)
    assert told in text
    assert untold not in text
