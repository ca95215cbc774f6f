"""What dashboards and scrapers are answered."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from voiceagent_api.install import GatewaySettings
from voiceagent_api.worker_status import SessionRecord, TurnRecord, WorkerStatus
from voiceagent_gateway.model import PodRef, PodView

SCRAPER_ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"


@pytest.fixture
def world_with_calls(world: Any, now: datetime) -> Any:
    """One pod with a call that runs and one that has ended; one pod that does not answer."""
    turn = TurnRecord(
        at=now - timedelta(minutes=2),
        stt_milliseconds=150.55,
        llm_ttft_milliseconds=850.0,
        tts_ttfb_milliseconds=200.0,
        e2e_milliseconds=1200.0,
    )
    active = SessionRecord(
        id="s1", room="lobby", started_at=now - timedelta(minutes=3), config_revision="c1", turns=[turn]
    )
    ended = SessionRecord(
        id="s0",
        room="attic",
        started_at=now - timedelta(minutes=9),
        ended_at=now - timedelta(minutes=8),
        config_revision="c1",
        outcome="completed",
    )
    status = WorkerStatus(
        namespace="default",
        agent="receptionist",
        agent_name="default-receptionist",
        pod="receptionist-a",
        revision="r1",
        config_revision="c1",
        registered=True,
        draining=False,
        sessions=[ended, active],
    )
    pod = PodRef("u1", "default", "receptionist-a", "receptionist", "r1", "10.0.0.1", 8080, "Running", ready=True)
    dead = PodRef("u2", "default", "receptionist-b", "receptionist", "r1", "10.0.0.2", 8080, "Running")
    world.views = [PodView(pod, status, now), PodView(dead, None, None, "it did not answer in time", 1)]
    return world


@pytest.mark.usefixtures("world_with_calls")
async def test_metrics_have_the_shape_that_dashboards_of_the_single_machine_read(ask: httpx.AsyncClient) -> None:
    response = await ask.get("/metrics")

    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body["sessions"]["active_count"] == 1
    assert [session["id"] for session in body["sessions"]["sessions"]] == ["s1"]
    assert [session["id"] for session in body["sessions"]["recent"]] == ["s0"]
    assert body["performance"] == {
        "avg_stt_latency": 150.6,
        "avg_llm_latency": 850.0,
        "avg_tts_latency": 200.0,
        "avg_ttft": 850.0,
        "avg_ttfb": 200.0,
        "avg_e2e": 1200.0,
    }
    assert body["plugins"] == {}
    assert body["timestamp"] == "2026-05-04T12:30:15.000Z"
    assert body["test_data"] is False


@pytest.mark.usefixtures("world_with_calls")
async def test_a_session_tells_where_it_is_and_each_turns_latencies(ask: httpx.AsyncClient) -> None:
    session = (await ask.get("/metrics/sessions")).json()["sessions"][0]

    assert (session["namespace"], session["agent"], session["pod"]) == ("default", "receptionist", "receptionist-a")
    assert (session["room"], session["outcome"], session["duration_seconds"]) == ("lobby", "active", 180.0)
    assert session["turns"] == [
        {"at": "2026-05-04T12:28:15.000Z", "stt_latency": 150.6, "ttft": 850.0, "ttfb": 200.0, "e2e": 1200.0}
    ]
    assert session["latency"]["avg_e2e"] == 1200.0


@pytest.mark.usefixtures("world_with_calls")
async def test_a_pod_that_does_not_answer_is_listed_as_stale(ask: httpx.AsyncClient) -> None:
    pods = (await ask.get("/metrics")).json()["pods"]

    assert [(pod["name"], pod["stale"]) for pod in pods] == [("receptionist-a", False), ("receptionist-b", True)]
    assert pods[1]["error"] == "it did not answer in time"


@pytest.mark.usefixtures("world_with_calls")
async def test_history_has_a_bucket_for_each_minute_of_the_hour(ask: httpx.AsyncClient) -> None:
    history = (await ask.get("/metrics")).json()["history"]

    assert len(history) == 61
    assert [(bucket["timestamp"], bucket["outcomes"]) for bucket in history if bucket["sessions_ended"]] == [
        ("2026-05-04T12:22:00.000Z", {"completed": 1})
    ]


async def test_what_was_not_measured_is_null_rather_than_zero(ask: httpx.AsyncClient) -> None:
    body = (await ask.get("/metrics/simple")).json()

    assert body["active_sessions"] == 0
    assert body["avg_stt_latency"] is None


@pytest.mark.usefixtures("world_with_calls")
async def test_a_prometheus_scraper_gets_openmetrics(ask: httpx.AsyncClient) -> None:
    response = await ask.get("/metrics", headers={"Accept": SCRAPER_ACCEPT})

    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.headers["vary"] == "Accept"
    samples = {s.name: s for family in parse_openmetrics(response.text) for s in family.samples}  # type: ignore[no-untyped-call]
    assert samples["voiceagent_fleet_sessions_active"].value == 1
    assert samples["voiceagent_fleet_sessions_active"].labels == {"namespace": "default", "agent": "receptionist"}


@pytest.mark.usefixtures("world_with_calls")
async def test_an_older_scraper_gets_prometheus_text_in_base_units(ask: httpx.AsyncClient) -> None:
    await ask.get("/token")
    await ask.get("/token?room=a+b")
    await ask.get("/token?agent=default/nobody")

    response = await ask.get("/metrics", headers={"Accept": "text/plain;version=0.0.4"})

    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = [sample for family in parse_text(response.text) for sample in family.samples]
    values = {(s.name, tuple(sorted(s.labels.values()))): s.value for s in samples}
    assert values["voiceagent_fleet_pods", ("default", "ready", "receptionist")] == 1
    assert values["voiceagent_fleet_pods", ("default", "receptionist", "stale")] == 1
    assert values["voiceagent_fleet_latency_seconds", ("e2e",)] == 1.2
    assert values["voiceagent_gateway_tokens_total", ("default", "receptionist")] == 1
    assert values["voiceagent_gateway_token_refusals_total", ("agent-unknown",)] == 1


async def test_test_metrics_are_refused_unless_the_install_lets_them(ask: httpx.AsyncClient) -> None:
    response = await ask.get("/metrics/test")

    assert response.status_code == 403
    assert response.headers["content-type"] == "application/problem+json"
    assert "allowTestMetrics" in response.json()["detail"]


async def test_test_metrics_are_made_and_marked_wherever_they_show(world: Any, ask: httpx.AsyncClient) -> None:
    world.install = world.install.model_copy(update={"gateway": GatewaySettings(allow_test_metrics=True)})

    made = (await ask.get("/metrics/test")).json()
    body = (await ask.get("/metrics")).json()

    assert made["test_data"] is True
    assert len(made["created"]) == 10
    assert body["test_data"] is True
    assert all(session["test"] for session in body["sessions"]["recent"])
    assert body["performance"]["avg_e2e"] > 0
