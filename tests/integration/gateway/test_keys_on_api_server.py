"""API keys of a Secret on a real API server, read by a gateway with the rights that the chart gives it."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from installed_chart import gateways_kubeconfig, gateways_settings, install_chart

Start = Callable[..., Any]
SECRET = "voiceagents-api-keys"
SETTINGS = (
    "gateway.auth.mode=apiKeys",
    # Tests ask again and again.
    "gateway.rateLimits.addressPerMinute=0",
    "gateway.rateLimits.callerPerMinute=0",
    "gateway.rateLimits.unknownKeysPerMinute=0",
)


class Keys:
    """Makes keys, puts them into the Secret, and asks a gateway with them."""

    def __init__(self, place: Any, gateway: Any) -> None:
        self.place, self.gateway = place, gateway
        self.made: list[str] = []

    def make(self, name: str, *more: str) -> tuple[str, str]:
        """A key, and the manifest that make-key prints for it."""
        words = [name, "--agents", f"{self.place.namespace}/*", "--namespace", self.place.namespace, *more]
        command = [sys.executable, "-m", "voiceagent_gateway", "make-key", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        (key,) = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("va_")]
        assert key not in done.stdout
        self.made.append(key)
        return key, done.stdout

    def add(self, name: str, *more: str) -> str:
        """Make a key and apply it as make-key says."""
        key, manifest = self.make(name, *more)
        self.place.cluster.do("apply", "--server-side", f"--field-manager=key-{name}", "-f", "-", text=manifest)
        return key

    def remove(self, name: str) -> None:
        patch = json.dumps([{"op": "remove", "path": f"/data/{name}"}])
        self._kubectl("patch", "secret", SECRET, "--type=json", "-p", patch)

    def delete_secret(self) -> None:
        self._kubectl("delete", "secret", SECRET, "--ignore-not-found")

    def get(self, path: str, key: str | None = None) -> httpx.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        response: httpx.Response = self.gateway.get(path, headers=headers)
        return response

    def token(self, key: str | None, agent: str = "receptionist", room: str = "web-1") -> httpx.Response:
        return self.get(f"/token?agent={self.place.namespace}/{agent}&room={room}", key)

    def until_let_in(self, key: str) -> None:
        self.gateway.until(lambda: self.token(key).status_code == 200)

    def until_refused(self, key: str) -> None:
        self.gateway.until(lambda: self.token(key).status_code == 401)

    def _kubectl(self, *words: str) -> None:
        self.place.cluster.do("--namespace", self.place.namespace, *words)


@pytest.fixture(scope="module")
def gateway(shared_place: Any, start_gateway: Start, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One that has the service account of the chart's gateway, and its part of the chart's configuration."""
    folder, namespace = tmp_path_factory.mktemp("chart"), shared_place.namespace
    install_chart(shared_place.cluster, namespace, folder, *SETTINGS)
    shared_place.voice_agent()
    shared_place.agent_status()
    shared_place.secret()
    kubeconfig = gateways_kubeconfig(shared_place.cluster, namespace, folder)
    settings = gateways_settings(shared_place.cluster, namespace)
    gateway = start_gateway(kubeconfig, f"--own-namespace={namespace}", **settings)
    gateway.until(gateway.ready)
    return gateway


@pytest.fixture
def keys(shared_place: Any, gateway: Any) -> Keys:
    """In the beginning there is no Secret, and the gateway knows."""
    keys = Keys(shared_place, gateway)
    key = keys.add("before")
    keys.until_let_in(key)
    keys.delete_secret()
    keys.until_refused(key)
    return keys


def refused(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    problem: dict[str, Any] = response.json()
    assert problem["type"].endswith(f"/{name}"), problem
    return problem


def test_without_a_key_nothing_is_told(keys: Keys) -> None:
    keys.until_let_in(keys.add("website"))

    for path in ("/token", f"/token?agent={keys.place.namespace}/receptionist", "/agents", "/metrics"):
        response = keys.get(path)
        refused(response, 401, "unauthorized")
        assert response.headers["www-authenticate"].startswith("Bearer ")
    wrong = keys.token("va_website_" + "x" * 32)
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    assert wrong.json() == keys.token("va_nobody_" + "x" * 32).json()
    assert keys.get("/healthz").status_code == keys.get("/readyz").status_code == 200


def test_a_key_may_what_its_scope_says(keys: Keys) -> None:
    key = keys.add("website", "--rooms", "web-*", "--expires", "90d")
    keys.until_let_in(key)

    answer = keys.token(key).json()
    assert answer["room"] == "web-1"
    refused(keys.token(key, agent="nobody"), 404, "agent-unknown")
    problem = refused(keys.token(key, room="private"), 403, "not-allowed")
    assert 'API key "website" may not use room private' in problem["detail"]
    # As for an agent that there is not: nobody learns which there are elsewhere.
    for agent in ("default/receptionist", "default/nobody"):
        refused(keys.get(f"/token?agent={agent}", key), 403, "not-allowed")
    agents = keys.get("/agents", key).json()
    assert [(agent["namespace"], agent["name"]) for agent in agents] == [(keys.place.namespace, "receptionist")]

    refused(keys.get("/metrics", key), 403, "not-allowed")
    dashboard = keys.add("dashboard", "--metrics")
    keys.until_let_in(dashboard)
    assert keys.get("/metrics", dashboard).status_code == 200
    assert keys.token(key).status_code == 200, "adding a key took another away"


def test_a_key_rotated_under_its_name_counts_at_once_and_the_old_one_no_more(keys: Keys) -> None:
    old, other = keys.add("website"), keys.add("other")
    keys.until_let_in(other)
    assert keys.token(old).status_code == 200

    new = keys.add("website")
    keys.until_let_in(new)
    refused(keys.token(old), 401, "unauthorized")
    assert keys.token(other).status_code == 200


def test_a_secret_kept_in_one_file_and_applied_whole_is_taken_too(keys: Keys) -> None:
    def apply(manifest: str) -> None:
        keys.place.cluster.do("apply", "-f", "-", text=manifest)

    old, manifest = keys.make("website")
    apply(manifest)
    keys.until_let_in(old)

    new, manifest = keys.make("website")
    apply(manifest)
    keys.until_let_in(new)
    refused(keys.token(old), 401, "unauthorized")


def test_a_removed_key_is_refused_and_the_others_are_not(keys: Keys) -> None:
    website, other = keys.add("website"), keys.add("other")
    keys.until_let_in(other)
    assert keys.token(website).status_code == 200

    keys.remove("website")
    keys.until_refused(website)
    assert keys.token(other).status_code == 200


def test_an_entry_that_cannot_be_used_is_named_and_hurts_no_other(keys: Keys) -> None:
    website, manifest = keys.make("website")
    document = yaml.safe_load(manifest)
    document["data"]["broken"] = base64.b64encode(b"hash: not-a-hash-of-anything\nagents: [default/*]").decode()
    keys.place.cluster.do("apply", "-f", "-", text=json.dumps(document))
    keys.until_let_in(website)

    (line,) = [line for line in keys.gateway.lines if line.get("entry") == "broken"]
    assert "make-key" in line["fault"]
    assert "not-a-hash-of-anything" not in keys.gateway.log


def test_without_its_secret_the_gateway_refuses_all_stays_up_and_takes_the_next_one(keys: Keys) -> None:
    key = keys.add("website")
    keys.until_let_in(key)

    keys.delete_secret()
    keys.until_refused(key)
    refused(keys.get("/agents", key), 401, "unauthorized")
    assert keys.gateway.process.poll() is None
    assert keys.get("/readyz").status_code == 200
    assert any("there is no Secret with API keys" in line["message"] for line in keys.gateway.lines)

    keys.until_let_in(keys.add("website"))
    refused(keys.token(key), 401, "unauthorized")


def test_no_key_is_in_the_log_and_every_request_for_a_token_is(keys: Keys) -> None:
    key = keys.add("website")
    keys.until_let_in(key)
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    refused(keys.token(wrong, room="web-of-nobody"), 401, "unauthorized")
    assert keys.token(key, room="web-of-somebody").status_code == 200

    def told() -> list[dict[str, Any]]:
        return [line for line in keys.gateway.lines if line["logger"].endswith(".audit") and line["who"] != "unknown"]

    keys.gateway.until(lambda: [line["who"] for line in told() if line.get("room") == "web-of-somebody"])
    assert told()[-1]["who"] == "key:website"
    for made in (*keys.made, wrong):
        assert made.rsplit("_", 1)[1] not in keys.gateway.log


def test_the_gateways_service_account_may_list_no_secret_but_that_one(
    shared_place: Any, gateway: Any, tmp_path: Path
) -> None:
    kubeconfig = gateways_kubeconfig(shared_place.cluster, shared_place.namespace, tmp_path)

    def may(*words: str) -> bool:
        command = ["get", "secrets", "--namespace", shared_place.namespace, *words]
        done = subprocess.run(
            [shared_place.cluster.binaries / "kubectl", "--kubeconfig", kubeconfig, *command],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0 or "Forbidden" in done.stderr, done.stderr
        return done.returncode == 0

    assert may(f"--field-selector=metadata.name={SECRET}")
    assert not may("--field-selector=metadata.name=livekit")
    assert not may()


def test_without_the_right_to_its_secret_a_gateway_is_not_ready_and_says_why(
    shared_place: Any, start_gateway: Start, kubeconfig_everywhere: Path
) -> None:
    gateway = start_gateway(
        kubeconfig_everywhere, f"--own-namespace={shared_place.namespace}", auth={"mode": "apiKeys"}
    )
    path = f"/api/v1/namespaces/{shared_place.namespace}/secrets"

    def waits() -> bool:
        with_path = [line for line in gateway.lines if line.get("path") == path]
        return any("forbidden" in line["message"] for line in with_path)

    gateway.until(waits)
    gateway.until(lambda: gateway.get("/readyz").json().get("waiting_for") == [path])
    refused(gateway.get("/agents"), 401, "unauthorized")
