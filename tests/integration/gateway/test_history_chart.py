"""Where the chart has the gateway keep its history."""

from typing import Any

import pytest
import yaml
from chart import CHART, helm, render


def pod_of(*settings: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The gateway's Deployment, its container, and the volume at /data."""
    (deployment,) = [
        d for d in render(*settings) if d["kind"] == "Deployment" and d["metadata"]["name"].endswith("-gateway")
    ]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (mount,) = [m for m in container["volumeMounts"] if m["mountPath"] == "/data"]
    (volume,) = [v for v in pod["volumes"] if v["name"] == mount["name"]]
    assert "--data-dir=/data" in container["args"]
    assert not mount.get("readOnly")
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsUser"], "it may write"
    return deployment["spec"], container, volume


def claims_of(*settings: str) -> list[dict[str, Any]]:
    return [d for d in render(*settings) if d["kind"] == "PersistentVolumeClaim"]


def test_by_default_it_is_in_the_pod_with_room_for_what_it_may_grow_to() -> None:
    deployment, container, volume = pod_of("gateway.history.maxMegabytes=100")

    assert volume["emptyDir"] == {"sizeLimit": "328Mi"}
    assert "--data-megabytes=100" in container["args"]
    assert deployment["strategy"]["type"] == "RollingUpdate"
    assert claims_of() == []


def test_on_a_volume_one_gateway_ends_before_the_next_begins() -> None:
    settings = ("gateway.history.enabled=true", "gateway.history.size=5Gi")
    deployment, _, volume = pod_of(*settings)
    (claim,) = claims_of(*settings)

    assert deployment["strategy"] == {"type": "Recreate"}
    assert deployment["replicas"] == 1
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}


def test_the_volumes_class_can_be_chosen() -> None:
    (claim,) = claims_of("gateway.history.enabled=true", "gateway.history.storageClassName=fast")

    assert claim["spec"]["storageClassName"] == "fast"


def test_a_claim_that_is_there_is_used() -> None:
    settings = ("gateway.history.enabled=true", "gateway.history.existingClaim=mine")

    assert pod_of(*settings)[2]["persistentVolumeClaim"]["claimName"] == "mine"
    assert claims_of(*settings) == []


def test_without_a_gateway_there_is_no_volume() -> None:
    assert claims_of("gateway.history.enabled=true", "gateway.enabled=false") == []


def test_many_gateways_on_one_volume_are_refused_with_the_cure() -> None:
    done = helm("template", "x", str(CHART), "--set", "gateway.history.enabled=true", "--set", "gateway.replicas=2")

    assert done.returncode != 0
    assert "gateway.prometheusURL" in done.stderr


def test_a_metrics_store_is_named_in_the_installs_file_and_its_token_in_a_secret_only() -> None:
    settings = ("gateway.prometheusURL=http://prometheus.monitoring:9090", "gateway.prometheusTokenSecret.name=store")
    _, container, _ = pod_of(*settings, "gateway.replicas=3", "redis.url=redis://redis:6379/0")
    (config,) = [d for d in render(*settings) if d["kind"] == "ConfigMap" and "install.yaml" in d["data"]]

    assert yaml.safe_load(config["data"]["install.yaml"])["gateway"]["prometheusURL"] == (
        "http://prometheus.monitoring:9090"
    )
    assert container["env"] == [
        {"name": "PROMETHEUS_TOKEN", "valueFrom": {"secretKeyRef": {"name": "store", "key": "token"}}}
    ]


@pytest.mark.parametrize(
    "setting",
    [
        "gateway.prometheusURL=http://user:secret@prometheus:9090",
        "gateway.prometheusURL=prometheus:9090",
        "gateway.history.size=plenty",
        "gateway.history.maxMegabytes=1",
        "gateway.history.keep=true",
        "gateway.retentionHours=0",
    ],
)
def test_what_cannot_be_is_refused(setting: str) -> None:
    done = helm("template", "x", str(CHART), "--set", setting)

    assert done.returncode != 0
    assert "values don't meet the specifications" in done.stderr


@pytest.mark.parametrize(
    ("setting", "said"), [("gateway.enabled=true", True), ("gateway.prometheusURL=http://store:9090", False)]
)
def test_the_notes_say_when_the_history_ends_with_the_pod(setting: str, said: bool) -> None:
    done = helm("install", "x", str(CHART), "--dry-run=client", "--set", setting)

    assert ("the history of metrics ends with the gateway's pod" in done.stdout) == said, done.stderr
