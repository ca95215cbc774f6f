"""What the chart gives the gateway."""

from typing import Any

import pytest
import yaml
from chart import CHART, helm, render
from voiceagent_api.gateway_settings import GatewaySettings


def gateway_of(*settings: str) -> dict[str, Any]:
    """The gateway's container."""
    (deployment,) = [
        document
        for document in render(*settings)
        if document["kind"] == "Deployment" and document["metadata"]["name"].endswith("-gateway")
    ]
    container: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return container


def install_of(*settings: str) -> dict[str, Any]:
    """The install's configuration that the gateway reads."""
    (config,) = [d for d in render(*settings) if d["kind"] == "ConfigMap" and "install.yaml" in d["data"]]
    install: dict[str, Any] = yaml.safe_load(config["data"]["install.yaml"])
    return install


def test_the_gateway_has_the_rights_that_it_is_tested_with_and_no_more(gateway_rules: list[dict[str, Any]]) -> None:
    (role,) = [
        d for d in render() if d["kind"] == "ClusterRole" and d["metadata"]["name"].endswith("voiceagents-gateway")
    ]

    assert role["rules"] == gateway_rules


def test_redis_is_named_in_the_installs_file_and_its_password_in_a_secret_only() -> None:
    settings = ("redis.url=redis://redis.cache:6379/0", "redis.passwordSecret.name=redis")

    assert install_of(*settings)["redis"]["url"] == "redis://redis.cache:6379/0"
    assert gateway_of(*settings)["env"] == [
        {"name": "REDIS_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "redis", "key": "password"}}}
    ]


def test_without_redis_there_is_no_password_to_mount() -> None:
    assert "env" not in gateway_of()
    assert install_of()["redis"]["url"] == ""


def roles_of(*settings: str) -> list[dict[str, Any]]:
    return [d for d in render(*settings) if d["kind"] == "Role" and d["metadata"]["name"].endswith("-gateway-keys")]


def test_the_gateway_may_watch_the_one_secret_with_api_keys_only_where_it_takes_such() -> None:
    assert roles_of() == []

    (role,) = roles_of("gateway.auth.mode=apiKeys", "gateway.auth.apiKeysSecretName=keys")
    assert role["metadata"]["namespace"] == "default"
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["keys"], "verbs": ["list", "watch"]}
    ]
    assert "--own-namespace=default" in gateway_of("gateway.auth.mode=apiKeys")["args"]


def test_who_may_ask_reaches_the_gateway_as_its_types_read_it() -> None:
    install = install_of(
        "gateway.auth.mode=both",
        "gateway.auth.oidc.issuer=https://id.example",
        "gateway.auth.oidc.audience=voice",
        "gateway.auth.oidc.scopes[0].claim=groups",
        "gateway.auth.oidc.scopes[0].agents={sales/*}",
        "gateway.allowedOrigins={https://www.example.com}",
        "gateway.trustedProxies={10.0.0.0/8}",
        "gateway.rateLimits.callerPerMinute=7",
    )

    gateway = GatewaySettings.model_validate(install["gateway"])
    assert (gateway.auth.api_keys, gateway.auth.tokens) == (True, True)
    assert gateway.auth.oidc.scopes[0].agents == ["sales/*"]
    assert gateway.allowed_origins == ["https://www.example.com"]
    assert gateway.trusted_proxies == ["10.0.0.0/8"]
    assert gateway.rate_limits.caller_per_minute == 7


def test_the_gateways_patience_reaches_it() -> None:
    gateway = install_of("gateway.waitSeconds=3", "gateway.maxWaiting=7")["gateway"]

    assert (gateway["waitSeconds"], gateway["maxWaiting"]) == (3, 7)


@pytest.mark.parametrize(
    "setting",
    [
        "gateway.auth=none",
        "gateway.auth.mode=basic",
        "gateway.auth.oidc.algorithms={HS256}",
        "redis.url=redis://:secret@redis:6379",
        "gateway.waitSeconds=16",
        "redis.password=secret",
    ],
)
def test_what_the_gateway_cannot_use_is_refused(setting: str) -> None:
    done = helm("template", "x", str(CHART), "--set", setting)

    assert done.returncode != 0
    assert "values don't meet the specifications" in done.stderr
