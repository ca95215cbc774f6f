"""The install's proxy and authorities, as the worker pods get them."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError
from voiceagent_api.install import CaBundle, InstallConfig, ProxySettings
from voiceagent_operator.agent import parse_agent
from voiceagent_operator.build.children import build_children
from voiceagent_operator.resolve import resolve

PROXY = {"http": "http://proxy.test:3128", "https": "http://proxy.test:3129", "noProxy": ["models.test"]}


@pytest.fixture
def pod_of(install: InstallConfig, manifest: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The spec of a worker pod, of an install with these settings and an agent with this spec."""

    def make(settings: dict[str, Any], **spec: Any) -> dict[str, Any]:
        changed = InstallConfig.model_validate(install.model_dump(by_alias=True) | settings)
        children = build_children(resolve(parse_agent(manifest(**spec)), changed, "You answer."), "uid/1")
        return dict(children.deployment["spec"]["template"]["spec"])

    return make


def environment(pod: dict[str, Any]) -> dict[str, str | None]:
    return {variable["name"]: variable.get("value") for variable in pod["containers"][0]["env"]}


def test_a_proxy_reaches_the_pods_in_both_spellings_and_the_cluster_is_reached_without(pod_of: Any) -> None:
    told = environment(pod_of({"proxy": PROXY}))
    assert told["HTTP_PROXY"] == told["http_proxy"] == "http://proxy.test:3128"
    assert told["HTTPS_PROXY"] == told["https_proxy"] == "http://proxy.test:3129"
    assert told["NO_PROXY"] == told["no_proxy"] == "localhost,127.0.0.1,.svc,.cluster.local,models.test"


def test_an_agents_own_environment_wins(pod_of: Any) -> None:
    mine = {"podTemplate": {"env": [{"name": "HTTPS_PROXY", "value": "http://other.test:1"}]}}
    assert environment(pod_of({"proxy": PROXY}, **mine))["HTTPS_PROXY"] == "http://other.test:1"


def test_without_a_proxy_nothing_is_said_of_what_to_reach_without_it(pod_of: Any) -> None:
    assert ProxySettings(no_proxy=["models.test"]).environment() == {}
    assert not [name for name in environment(pod_of({})) if "proxy" in name.lower()]


def test_authorities_are_mounted_from_the_agents_namespace_and_named_to_every_library(pod_of: Any) -> None:
    pod = pod_of({"caBundle": {"configMapName": "authorities", "key": "all.pem"}})
    (volume,) = [volume for volume in pod["volumes"] if volume.get("configMap") == {"name": "authorities"}]
    (mount,) = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == volume["name"]]
    assert mount["readOnly"] is True
    told = environment(pod)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"):
        assert told[name] == f"{mount['mountPath']}/all.pem"


def test_an_install_without_either_has_the_pods_that_it_had(pod_of: Any) -> None:
    assert pod_of({"caBundle": {}, "proxy": {}}) == pod_of({})
    assert CaBundle().environment("/x") == {}


@pytest.mark.parametrize("address", ["http://user:secret@proxy.test:3128", "proxy.test:3128", "socks5://proxy.test"])
def test_a_proxy_with_a_password_or_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        ProxySettings(http=address)
