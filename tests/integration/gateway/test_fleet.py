"""The fleet as the gateway's process shows it, before a real API server and worker pods' HTTP."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from voiceagent_api.worker_status import SessionRecord, TurnRecord, WorkerStatus

Start = Callable[..., Any]
PATIENCE_SECONDS = 60
OWN_RULE = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}


def worker_status(place: Any, *rooms: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    sessions = [
        SessionRecord(
            id=room,
            room=room,
            started_at=now - timedelta(minutes=2),
            config_revision="c1",
            turns=[TurnRecord(at=now, e2e_milliseconds=800.0)],
        )
        for room in rooms
    ]
    status = WorkerStatus(
        namespace=place.namespace,
        agent="receptionist",
        agent_name=f"{place.namespace}-receptionist",
        pod="p",
        revision="r1",
        config_revision="c1",
        registered=True,
        draining=False,
        session_capacity=3,
        sessions=sessions,
    )
    return status.model_dump(mode="json", by_alias=True)


def one_of(fleet: dict[str, Any], name: str = "receptionist") -> dict[str, Any]:
    found: dict[str, Any] = next(agent for agent in fleet["agents"] if agent["name"] == name)
    return found


@contextmanager
def events(gateway: Any, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The documents of a stream, as they come."""
    url = gateway.address + "/fleet/events"
    with httpx.stream("GET", url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield (json.loads(line.removeprefix("data: ")) for line in response.iter_lines() if line.startswith("data: "))


@pytest.fixture
def serve(place: Any, start_gateway: Start, grant: Callable[..., Path], gateway_rules: Any) -> Start:
    """Starts a gateway for this test's namespace alone."""
    kubeconfig = grant(f"fleet-{place.namespace}", place.namespace, [*gateway_rules, OWN_RULE])

    def start(*arguments: str, **gateway: Any) -> Any:
        started = start_gateway(kubeconfig, f"--namespace={place.namespace}", *arguments, **gateway)
        started.until(started.ready)
        return started

    return start


def test_the_fleet_is_shown_as_it_is_and_its_changes_are_sent(place: Any, serve: Start, start_worker: Start) -> None:
    gateway = serve()
    worker = start_worker()
    worker.status = worker_status(place, "lobby")
    place.voice_agent()
    place.agent_status(message="One pod takes calls.")
    place.pod("receptionist-a", worker.port)

    def shown() -> Any:
        fleet = gateway.get("/fleet").json()
        return fleet if fleet["agents"] and one_of(fleet)["live"] else None

    agent = one_of(gateway.until(shown))
    assert (agent["health"], agent["ready_summary"], agent["sessions"], agent["capacity"]) == ("healthy", "1/1", 1, 3)
    assert [(one["type"], one["status"], one["message"]) for one in agent["conditions"]] == [
        ("Ready", "True", "One pod takes calls.")
    ]
    assert [(pod["name"], pod["state"], pod["revision"]) for pod in agent["pods"]] == [
        ("receptionist-a", "ready", "r1")
    ]
    assert [(call["room"], call["turns"], call["e2e"]) for call in agent["live"]] == [("lobby", 1, 800.0)]

    with events(gateway) as stream:
        assert one_of(next(stream))["sessions"] == 1
        worker.status = worker_status(place, "lobby", "second")
        assert any(one_of(fleet)["sessions"] == 2 for fleet in stream)
        place.agent_status(ready=0, message="The image cannot be pulled.")
        worst = next(fleet["attention"][0] for fleet in stream if fleet["attention"])
        assert (worst["severity"], worst["code"]) == ("critical", "not-ready")
        assert "The image cannot be pulled." in worst["message"]

        assert gateway.stop() == 0, "an open stream does not hold the process up"
        list(stream)


def test_the_fleet_is_for_those_who_may_read_metrics(place: Any, serve: Start, tmp_path: Path) -> None:
    def key(name: str, *more: str) -> str:
        words = [name, "--agents", f"{place.namespace}/r*", "--namespace", place.namespace, *more]
        command = [sys.executable, "-m", "voiceagent_gateway", "make-key", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        place.cluster.do("apply", "--server-side", f"--field-manager=key-{name}", "-f", "-", text=done.stdout)
        (made,) = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("va_")]
        return made

    reader, caller = key("reader", "--metrics"), key("caller")
    (tmp_path / "fleet.html").write_text("<title>the fleet</title>")
    place.voice_agent()
    place.voice_agent("sales")
    gateway = serve(
        f"--own-namespace={place.namespace}", f"--client-dir={tmp_path}", auth={"mode": "apiKeys"}
    )  # fmt: skip

    assert gateway.get("/fleet").status_code == 401
    assert gateway.get("/fleet/events").status_code == 401
    assert gateway.get("/fleet", headers={"Authorization": f"Bearer {caller}"}).status_code == 403
    page = gateway.get("/fleet", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.text) == (200, "<title>the fleet</title>")

    def names() -> list[str]:
        fleet = gateway.get("/fleet", headers={"Authorization": f"Bearer {reader}"}).json()
        return [agent["name"] for agent in fleet["agents"]]

    gateway.until(lambda: names() == ["receptionist"])
    with events(gateway, Authorization=f"Bearer {reader}") as stream:
        assert [agent["name"] for agent in next(stream)["agents"]] == ["receptionist"]
