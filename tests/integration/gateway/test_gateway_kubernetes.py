"""The gateway before a real API server, with only the rights that it is to have."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from voiceagent_api.worker_status import SessionRecord, TurnRecord, WorkerStatus

Start = Callable[..., Any]


def problem_of(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["type"].endswith(f"/{name}"), problem
    return problem


def worker_status(place: Any, *sessions: SessionRecord) -> dict[str, Any]:
    status = WorkerStatus(
        namespace=place.namespace,
        agent="receptionist",
        agent_name=f"{place.namespace}-receptionist",
        pod="p",
        revision="r1",
        config_revision="c1",
        registered=True,
        draining=False,
        sessions=list(sessions),
    )
    return status.model_dump(mode="json", by_alias=True)


def session(id_: str, ended: bool = False, **turn: float) -> SessionRecord:
    now = datetime.now(UTC)
    return SessionRecord(
        id=id_,
        room=f"room-{id_}",
        started_at=now - timedelta(minutes=2),
        ended_at=now if ended else None,
        config_revision="c1",
        outcome="completed" if ended else "active",
        turns=[TurnRecord(at=now, **turn)] if turn else [],
    )


def test_agents_appear_change_and_go_as_they_do_in_the_cluster(place: Any, start_gateway: Start) -> None:
    gateway = start_gateway()
    gateway.until(gateway.ready)
    assert gateway.get("/agents").json() == []

    def seen() -> list[tuple[Any, ...]]:
        keys = ("name", "agentName", "ready", "message", "suspended")
        return [tuple(agent[key] for key in keys) for agent in gateway.get("/agents").json()]

    name = f"{place.namespace}-receptionist"
    place.voice_agent()
    gateway.until(lambda: seen() == [("receptionist", name, False, "", False)])
    problem_of(gateway.get("/token"), 503, "agent-not-ready")

    place.agent_status(ready=0, message="One pod is starting.")
    gateway.until(lambda: seen() == [("receptionist", name, False, "One pod is starting.", False)])
    problem = problem_of(gateway.get("/token"), 503, "agent-not-ready")
    assert "One pod is starting." in problem["detail"]

    place.agent_status()
    gateway.until(lambda: seen() == [("receptionist", name, True, "Ready for calls.", False)])

    place.voice_agent(suspend=True)
    gateway.until(lambda: seen() and seen()[0][4])
    problem_of(gateway.get("/token"), 409, "agent-suspended")

    place.delete("voiceagent", "receptionist")
    gateway.until(lambda: seen() == [])
    problem_of(gateway.get("/token"), 404, "agent-unknown")


def test_a_missing_secret_is_named_and_its_appearance_heals(place: Any, start_gateway: Start) -> None:
    place.voice_agent()
    place.agent_status()
    gateway = start_gateway()
    gateway.until(gateway.ready)

    response = gateway.get("/token")
    problem = problem_of(response, 503, "livekit-credentials")
    assert '"livekit"' in problem["detail"]
    assert f'"{place.namespace}"' in problem["detail"]
    assert int(response.headers["retry-after"]) > 0

    place.secret(secret=" ")
    assert "LIVEKIT_API_SECRET" in problem_of(gateway.get("/token"), 503, "livekit-credentials")["detail"]

    place.secret()
    response = gateway.get("/token")
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"


def test_which_agent_must_be_clear(place: Any, start_gateway: Start) -> None:
    for name in ("receptionist", "sales"):
        place.voice_agent(name)
        place.agent_status(name)
    place.secret()
    gateway = start_gateway()
    gateway.until(gateway.ready)

    problem = problem_of(gateway.get("/token"), 400, "agent-ambiguous")
    assert problem["agents"] == [f"{place.namespace}/receptionist", f"{place.namespace}/sales"]
    problem_of(gateway.get(f"/token?agent={place.namespace}/salse"), 404, "agent-unknown")
    problem_of(gateway.get("/token?room=two+words"), 400, "invalid-request")
    assert gateway.get(f"/token?agent={place.namespace}/sales").status_code == 200
    by_name = {"room_config": {"agents": [{"agent_name": f"{place.namespace}-sales"}]}}
    assert gateway.post("/token", by_name).status_code == 201


def test_a_secret_that_the_gateway_may_not_read_is_said_to_be_so(place: Any, start_gateway: Start) -> None:
    place.voice_agent()
    place.agent_status()
    place.secret()
    place.cluster.do(
        "patch", "role", "gateway", "--namespace", place.namespace, "--type=json",
        "-p", '[{"op": "remove", "path": "/rules/2"}]',
    )  # fmt: skip
    gateway = start_gateway()
    gateway.until(gateway.ready)

    problem = gateway.until(lambda: gateway.get("/token").status_code == 503 and gateway.get("/token").json())
    assert "may not read Secret" in problem["detail"]


def test_calls_of_all_pods_are_one_picture_and_a_slow_pod_holds_nobody_up(
    place: Any, start_gateway: Start, start_worker: Start
) -> None:
    quick, slow = start_worker(), start_worker()
    quick.status = worker_status(place, session("a", stt_milliseconds=100.0, e2e_milliseconds=900.0))
    slow.status = worker_status(place, session("b"), session("c", ended=True, stt_milliseconds=300.0))
    place.pod("quick", quick.port)
    place.pod("slow", slow.port)
    gateway = start_gateway()
    gateway.until(gateway.ready)

    metrics = gateway.until(lambda: (m := gateway.get("/metrics").json())["sessions"]["active_count"] == 2 and m)
    assert metrics["performance"]["avg_stt_latency"] == 200.0
    assert metrics["performance"]["avg_e2e"] == 900.0
    assert [one["id"] for one in metrics["sessions"]["recent"]] == ["c"]
    assert {one["agent"] for one in metrics["sessions"]["sessions"]} == {"receptionist"}
    assert sum(bucket["sessions_ended"] for bucket in metrics["history"]) == 1

    slow.delay_seconds = 30
    time.sleep(0.6)
    started = time.monotonic()
    metrics = gateway.get("/metrics").json()
    assert time.monotonic() - started < 3
    assert {pod["name"]: pod["stale"] for pod in metrics["pods"]} == {"quick": False, "slow": True}
    assert metrics["sessions"]["active_count"] == 2, "what was last known of the slow pod is shown"
    assert [one["id"] for one in metrics["sessions"]["sessions"] if one["stale"]] == ["b"]

    place.delete("pod", "slow")
    metrics = gateway.until(lambda: (m := gateway.get("/metrics").json())["sessions"]["active_count"] == 1 and m)
    assert {one["id"]: one["outcome"] for one in metrics["sessions"]["recent"]} == {"b": "unknown", "c": "completed"}
    assert [pod["name"] for pod in metrics["pods"]] == ["quick"]


def test_many_readers_at_once_cost_a_pod_one_read(place: Any, start_gateway: Start, start_worker: Start) -> None:
    worker = start_worker()
    worker.status = worker_status(place)
    place.pod("p", worker.port)
    gateway = start_gateway()
    gateway.until(lambda: gateway.ready() and gateway.get("/metrics").json()["pods"])
    time.sleep(0.6)
    before, started = worker.reads, time.monotonic()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: gateway.get("/metrics/simple").status_code, range(60)))

    elapsed = time.monotonic() - started
    assert set(answers) == {200}
    assert worker.reads - before <= elapsed / 0.5 + elapsed / 5 + 2


def test_while_the_api_server_is_away_what_is_known_is_served_and_after_it_the_gateway_catches_up(
    place: Any, start_gateway: Start, wire: tuple[Any, Path]
) -> None:
    connection, kubeconfig = wire
    place.voice_agent()
    place.agent_status()
    place.secret()
    gateway = start_gateway(kubeconfig=kubeconfig)
    gateway.until(gateway.ready)
    assert gateway.get("/token").status_code == 200

    connection.cut()
    place.voice_agent("sales")
    place.delete("voiceagent", "receptionist")
    gateway.until(lambda: '"retry_seconds"' in gateway.log)
    assert [agent["name"] for agent in gateway.get("/agents").json()] == ["receptionist"]
    assert gateway.get("/readyz").status_code == 200

    connection.mend()
    gateway.until(lambda: [agent["name"] for agent in gateway.get("/agents").json()] == ["sales"])


def test_before_the_first_listing_the_gateway_is_alive_and_not_ready(
    place: Any, start_gateway: Start, wire: tuple[Any, Path]
) -> None:
    connection, kubeconfig = wire
    connection.cut()
    gateway = start_gateway(kubeconfig=kubeconfig)
    gateway.until(lambda: '"retry_seconds"' in gateway.log)

    assert gateway.get("/healthz").status_code == 200
    response = gateway.get("/readyz")
    assert response.status_code == 503
    assert f"/api/v1/namespaces/{place.namespace}/pods" in response.json()["waiting_for"]
    problem_of(gateway.get("/token"), 503, "starting")

    connection.mend()
    gateway.until(gateway.ready)


def test_only_the_namespaces_that_are_given_are_served(cluster: Any, place: Any, start_gateway: Start) -> None:
    place.voice_agent()
    gateway = start_gateway("--namespace=kube-public", kubeconfig=cluster.kubeconfig("admin", "system:masters"))
    gateway.until(gateway.ready)

    gateway.until(lambda: gateway.get("/agents").json())
    assert {agent["namespace"] for agent in gateway.get("/agents").json()} == {place.namespace}
    assert gateway.get("/token?agent=default/other").status_code == 404


def test_every_log_line_is_json_and_every_start_says_that_callers_are_not_known(
    place: Any, start_gateway: Start
) -> None:
    place.voice_agent()
    place.agent_status()
    place.secret()
    gateway = start_gateway()
    gateway.until(gateway.ready)
    gateway.get("/token?room=lobby&identity=anna")

    lines = gateway.until(lambda: [line for line in gateway.lines if line["logger"] == "voiceagent_gateway.audit"])

    assert [(line["agent"], line["room"], line["identity"], line["who"]) for line in lines] == [
        (f"{place.namespace}/receptionist", "lobby", "anna", "127.0.0.1")
    ]
    warnings = [line["message"] for line in gateway.lines if line["level"] == "WARNING"]
    assert any("auth is none" in message for message in warnings)
    requests = [line for line in gateway.lines if line["logger"] == "voiceagent_gateway.access"]
    assert "/token" in {line["path"] for line in requests}
    assert "room=lobby" not in gateway.log


def test_test_metrics_are_off_unless_the_install_lets_them(place: Any, start_gateway: Start) -> None:
    shut, open_ = start_gateway(), start_gateway(allowTestMetrics=True)
    for gateway in (shut, open_):
        gateway.until(gateway.ready)

    problem_of(shut.get("/metrics/test"), 403, "test-metrics-off")
    assert open_.get("/metrics/test").json()["test_data"] is True
    assert len(open_.get("/metrics/sessions").json()["recent"]) == 10


def test_sigterm_ends_the_gateway_at_once_and_well(start_gateway: Start) -> None:
    gateway = start_gateway()
    gateway.until(gateway.ready)
    started = time.monotonic()

    assert gateway.stop() == 0
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("fault", ["no kubeconfig", "port taken"])
def test_a_wrong_start_ends_in_a_sentence_and_2(fault: str, tmp_path: Path, gateway_kubeconfig: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(gateway_kubeconfig)}
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
