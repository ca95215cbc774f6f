"""The gateway before a real API server, with only the rights that it is to have."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Start = Callable[..., Any]


def problem_of(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["type"].endswith(f"/{name}"), problem
    return problem


@pytest.fixture(scope="module")
def gateway(start_gateway: Start, kubeconfig_everywhere: Path) -> Any:
    """A gateway for all namespaces."""
    gateway = start_gateway(kubeconfig_everywhere)
    gateway.until(gateway.ready)
    return gateway


def agents_of(gateway: Any, place: Any, *keys: str) -> list[tuple[Any, ...]]:
    agents = gateway.get("/agents").json()
    return [tuple(agent[key] for key in keys) for agent in agents if agent["namespace"] == place.namespace]


def token_of(gateway: Any, place: Any, name: str = "receptionist") -> httpx.Response:
    response: httpx.Response = gateway.get(f"/token?agent={place.namespace}/{name}")
    return response


def test_agents_appear_change_and_go_as_they_do_in_the_cluster(place: Any, gateway: Any) -> None:
    def seen() -> list[tuple[Any, ...]]:
        return agents_of(gateway, place, "agentName", "ready", "message", "suspended")

    name = f"{place.namespace}-receptionist"
    assert seen() == []

    place.voice_agent()
    gateway.until(lambda: seen() == [(name, False, "", False)])
    problem_of(token_of(gateway, place), 503, "agent-not-ready")

    place.agent_status(ready=0, message="One pod is starting.")
    gateway.until(lambda: seen() == [(name, False, "One pod is starting.", False)])
    response = token_of(gateway, place)
    assert "One pod is starting." in problem_of(response, 503, "agent-not-ready")["detail"]
    assert int(response.headers["retry-after"]) > 0

    place.agent_status()
    gateway.until(lambda: seen() == [(name, True, "Ready for calls.", False)])

    place.voice_agent(suspend=True)
    gateway.until(lambda: seen() == [(name, False, "Ready for calls.", True)])
    problem_of(token_of(gateway, place), 409, "agent-suspended")

    place.delete("voiceagent", "receptionist")
    gateway.until(lambda: seen() == [])
    problem_of(token_of(gateway, place), 404, "agent-unknown")


def test_a_missing_secret_is_named_and_its_appearance_heals(place: Any, gateway: Any) -> None:
    place.voice_agent()
    place.agent_status()
    gateway.until(lambda: agents_of(gateway, place, "ready") == [(True,)])

    response = token_of(gateway, place)
    problem = problem_of(response, 503, "livekit-credentials")
    assert '"livekit"' in problem["detail"]
    assert f'"{place.namespace}"' in problem["detail"]
    assert int(response.headers["retry-after"]) > 0

    place.secret(secret=" ")
    assert "LIVEKIT_API_SECRET" in problem_of(token_of(gateway, place), 503, "livekit-credentials")["detail"]

    place.secret()
    response = token_of(gateway, place)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"


def test_which_agent_must_be_clear(place: Any, gateway: Any) -> None:
    for name in ("receptionist", "sales"):
        place.voice_agent(name)
        place.agent_status(name)
    place.secret()
    gateway.until(lambda: agents_of(gateway, place, "ready") == [(True,), (True,)])

    problem = problem_of(gateway.get("/token"), 400, "agent-ambiguous")
    assert {f"{place.namespace}/receptionist", f"{place.namespace}/sales"} <= set(problem["agents"])
    near = problem_of(token_of(gateway, place, "salse"), 404, "agent-unknown")
    assert f"did you mean {place.namespace}/sales?" in near["detail"]
    problem_of(gateway.get("/token?room=two+words"), 400, "invalid-request")
    assert token_of(gateway, place, "sales").status_code == 200
    by_name = {"room_config": {"agents": [{"agent_name": f"{place.namespace}-sales"}]}}
    assert gateway.post("/token", by_name).status_code == 201


def test_with_the_rights_of_one_namespace_that_one_is_served_and_a_secret_kept_from_it_is_named(
    place: Any, start_gateway: Start, grant: Start
) -> None:
    place.voice_agent()
    place.agent_status()
    place.secret()
    without_secrets = [
        {"apiGroups": ["voiceagents.dev"], "resources": ["voiceagents"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    ]
    gateway = start_gateway(grant("gateway-blind", place.namespace, without_secrets), f"--namespace={place.namespace}")
    gateway.until(gateway.ready)

    assert {agent["namespace"] for agent in gateway.get("/agents").json()} == {place.namespace}
    problem = problem_of(gateway.get("/token"), 503, "livekit-credentials")
    assert 'may not read Secret "livekit"' in problem["detail"]


def test_every_log_line_is_json_and_says_who_got_which_token(place: Any, gateway: Any) -> None:
    place.voice_agent()
    place.agent_status()
    place.secret()
    gateway.until(lambda: agents_of(gateway, place, "ready") == [(True,)])
    gateway.get(f"/token?agent={place.namespace}/receptionist&room=lobby&identity=anna")
    gateway.get("/metrics/simple?secret=room=lobby")

    lines = gateway.until(
        lambda: [line for line in gateway.lines if line.get("outcome") == "given" and line["room"] == "lobby"]
    )

    assert [(line["logger"], line["room"], line["identity"], line["who"], line["address"]) for line in lines] == [
        ("voiceagent_gateway.audit", "lobby", "anna", "anonymous", "127.0.0.1")
    ]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [("GET", "/token", 200)]
    warnings = [line["message"] for line in gateway.lines if line["level"] == "WARNING"]
    assert any("auth is none" in message for message in warnings)
    requests = gateway.until(
        lambda: [line for line in gateway.lines if line.get("path") == "/metrics/simple" and line["status"] == 200]
    )
    assert {line["logger"] for line in requests} == {"voiceagent_gateway.access"}
    assert "room=lobby" not in gateway.log


def test_test_metrics_are_off_unless_the_install_lets_them_and_sigterm_ends_the_gateway_well(
    place: Any, gateway: Any, start_gateway: Start, kubeconfig_everywhere: Path
) -> None:
    problem_of(gateway.get("/metrics/test"), 403, "test-metrics-off")

    open_ = start_gateway(kubeconfig_everywhere, f"--namespace={place.namespace}", allowTestMetrics=True)
    open_.until(open_.ready)
    assert open_.get("/metrics/test").json()["test_data"] is True
    assert len(open_.get("/metrics/sessions").json()["recent"]) == 10

    started = time.monotonic()
    assert open_.stop() == 0
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("fault", ["no kubeconfig", "port taken"])
def test_a_wrong_start_ends_in_a_sentence_and_2(fault: str, tmp_path: Path, kubeconfig_everywhere: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(kubeconfig_everywhere)}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        arguments = []
        if fault == "port taken":
            arguments = [f"--port={taken.getsockname()[1]}"]
        else:
            arguments = ["--port=0"]
            environment["KUBECONFIG"] = str(tmp_path / "none")
        done = subprocess.run(
            [sys.executable, "-m", "voiceagent_gateway", *arguments],
            env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    assert done.returncode == 2, done
    said = [line for line in done.stderr.splitlines() if line]
    assert len(said) == 1, said
    assert said[0].startswith("voiceagent-gateway: ")
    for line in done.stdout.splitlines():
        json.loads(line)
