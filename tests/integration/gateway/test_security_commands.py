"""The commands of docs/security.md, as they are written there, on a cluster without pods.

What would run in the gateway's pod runs here: the words after `kubectl exec … --`, and the log of a gateway process.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart import CHART
from control_plane import REPOSITORY
from installed_chart import GATEWAY, administrator, gateways_kubeconfig, gateways_settings, install_chart
from voiceagent_api.gateway_settings import GatewaySettings
from voiceagent_gateway.api_keys import hash_of, parse_entry

Start = Callable[..., Any]
NAMESPACE = "voiceagents-system"
PAGE = (REPOSITORY / "docs/security.md").read_text(encoding="utf-8")
IN_POD = f"kubectl exec -n {NAMESPACE} deploy/{GATEWAY} -- \\\n"
POD_LOG = f"kubectl logs -n {NAMESPACE} deploy/{GATEWAY}"


def block(language: str, words: str) -> str:
    """The one block of the page in this language that has these words."""
    (found,) = [text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if words in text]
    return str(found)


class Desk:
    """Where somebody reads the page and types what it says."""

    def __init__(self, cluster: Any, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        programs = folder / "bin"
        programs.mkdir()
        (programs / "kubectl").symlink_to((cluster.binaries / "kubectl").resolve())
        (programs / "helm").symlink_to(Path(os.environ["HELM_BINARY"]).resolve())
        (folder / "charts").mkdir()
        (folder / "charts" / CHART.name).symlink_to(CHART)
        path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {"PATH": path, "HOME": str(folder), "KUBECONFIG": administrator(cluster)}

    def type(self, commands: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done

    def settings(self) -> dict[str, Any]:
        return gateways_settings(self.cluster, NAMESPACE)

    def gateway(self, start_gateway: Start) -> Any:
        """One as the chart would start it by now."""
        kubeconfig = gateways_kubeconfig(self.cluster, NAMESPACE, self.folder)
        gateway = start_gateway(kubeconfig, f"--own-namespace={NAMESPACE}", **self.settings())
        gateway.until(gateway.ready)
        return gateway


@pytest.fixture(scope="module")
def desk(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The chart is installed as it comes."""
    folder = tmp_path_factory.mktemp("desk")
    install_chart(cluster, NAMESPACE, folder)
    return Desk(cluster, folder)


def asked(gateway: Any, key: str | None, agent: str = "default/nobody", **headers: str) -> int:
    """What a request for a token is answered; 404 where it was let in, since there is no such agent."""
    headers = {**headers, **({"Authorization": f"Bearer {key}"} if key else {})}
    return int(gateway.get(f"/token?agent={agent}&room=web-1", headers=headers).status_code)


def test_the_page_from_the_first_command_to_the_last(desk: Desk, start_gateway: Start) -> None:
    # Turn keys on, and make one.
    commands = block("sh", "make-key website")
    assert IN_POD in commands
    done = desk.type(commands.replace(IN_POD, ""))
    (key,) = re.findall(r"va_website_\w+", done.stdout + done.stderr)
    assert key not in (desk.folder / "website.yaml").read_text(encoding="utf-8")
    assert desk.cluster.get("deployments", GATEWAY, NAMESPACE), "kubectl exec and logs name another Deployment"
    gateway = desk.gateway(start_gateway)
    gateway.until(lambda: asked(gateway, key) == 404)
    assert (asked(gateway, key, "sales/nobody"), asked(gateway, None)) == (403, 401)

    # See who asked.
    commands = block("sh", "kubectl logs")
    assert POD_LOG in commands
    lines = desk.type(commands.replace(POD_LOG, f"cat {gateway.log_path}")).stdout.splitlines()
    told = {(line["who"], line["outcome"]) for line in map(json.loads, lines)}
    assert {("key:website", "agent-unknown"), ("key:website", "not-allowed"), ("unknown", "unauthorized")} <= told
    assert all({"address", "agent", "room"} <= json.loads(line).keys() for line in lines if "key:website" in line)

    # Other sites, and an ingress. Keys stay on, and the key good.
    desk.type(block("sh", "gateway.allowedOrigins"))
    desk.type(block("sh", "gateway.trustedProxies"))
    settings = GatewaySettings.model_validate(desk.settings())
    assert settings.auth.mode == "apiKeys"
    assert settings.allowed_origins == ["https://www.example.com"]
    assert settings.trusted_proxies == ["10.244.0.0/16"]
    gateway = desk.gateway(start_gateway)
    assert asked(gateway, key, Origin="https://www.example.com") == 404
    assert asked(gateway, key, Origin="https://www.example.org") == 403

    # Take the key away.
    desk.type(block("sh", "kubectl patch secret"))
    gateway.until(lambda: asked(gateway, key) == 401)


def test_an_entry_of_the_page_is_one() -> None:
    text = block("yaml", "hash: $argon2id")
    encoded = hash_of("va_website_" + "x" * 32)
    (shown,) = re.findall(r"hash: (\S+)…", text)
    assert encoded.startswith(shown), "make-key hashes otherwise than the page shows"

    entry = parse_entry("website", text.replace(f"{shown}…", encoded).encode())
    assert entry.identity.scopes[0].agents == ("default/*",)
    assert entry.identity.expires_at is not None


def test_the_settings_of_the_page_for_an_issuer_are_taken(desk: Desk) -> None:
    (desk.folder / "oidc.yaml").write_text(block("yaml", "mode: oidc"), encoding="utf-8")
    chart = f"charts/{CHART.name}"
    rendered = desk.type(f"helm template voiceagents {chart} -n {NAMESPACE} -f oidc.yaml").stdout

    (config,) = [d for d in yaml.safe_load_all(rendered) if d and "install.yaml" in (d.get("data") or {})]
    settings = GatewaySettings.model_validate(yaml.safe_load(config["data"]["install.yaml"])["gateway"])
    assert (settings.auth.tokens, settings.auth.api_keys) == (True, False)
    assert settings.auth.oidc.issuer == "https://id.example.com"
    assert [scope.metrics for scope in settings.auth.oidc.scopes] == [False, True]
