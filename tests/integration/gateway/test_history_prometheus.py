"""History from Prometheus, and from another store that answers its queries, of what the workers' own code exports."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from local_metrics_store import MetricsStore, metrics_store
from local_prometheus import prometheus
from voiceagent_api.worker_status import TurnRecord
from voiceagent_worker.events import Event, SessionEnded, SessionStarted, TurnCompleted
from voiceagent_worker.metrics import Identity, WorkerMetrics
from voiceagent_worker.sessions import Sessions, active_count, apply

SCRAPE = timedelta(seconds=15)
STEP = timedelta(minutes=10)
Timeline = list[tuple[timedelta, Event]]


@pytest.fixture(scope="module", params=[metrics_store, prometheus], ids=["VictoriaMetrics", "Prometheus"])
def store(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[MetricsStore]:
    with request.param(tmp_path_factory.mktemp("metrics")) as started:
        yield started


@pytest.fixture(scope="module")
def begin() -> datetime:
    """The beginning of a step, an hour ago."""
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    return hour_ago - (hour_ago - datetime(1970, 1, 1, tzinfo=UTC)) % STEP


def call(begin: datetime, id_: str, start: float, end: float, outcome: str, *turns: tuple[float, float]) -> Timeline:
    """A call: its beginning and end in minutes after `begin`, its turns as (minute, e2e in milliseconds)."""

    def at(minutes: float) -> datetime:
        return begin + timedelta(minutes=minutes)

    events: list[tuple[float, Event]] = [
        (start, SessionStarted(session=id_, room=id_, at=at(start), config_revision="c")),
        *(
            (minute, TurnCompleted(session=id_, turn=TurnRecord(at=at(minute), e2e_milliseconds=latency)))
            for minute, latency in turns
        ),
        (end, SessionEnded(session=id_, at=at(end), outcome=outcome)),  # type: ignore[arg-type]
    ]
    return [(timedelta(minutes=minute), event) for minute, event in events]


def run_pod(store: MetricsStore, namespace: str, pod: str, begin: datetime, timeline: Timeline, minutes: float) -> None:
    """A pod of which the store has scraped all along what its calls made of its metrics."""
    metrics = WorkerMetrics(Identity(namespace, "receptionist", "r1"))
    sessions: Sessions = {}
    waiting = sorted(timeline, key=lambda one: one[0])
    for number in range(int(timedelta(minutes=minutes) / SCRAPE) + 1):
        now = number * SCRAPE
        while waiting and waiting[0][0] <= now:
            event = waiting.pop(0)[1]
            before, sessions = sessions.get(event.session), apply(sessions, event)
            metrics.observe(event, before, sessions.get(event.session), active_count(sessions))
        text = metrics.text().replace(b'agent="', f'pod="{pod}",agent="'.encode())
        store.take_in(text, round((begin + now).timestamp() * 1000))


@pytest.fixture
def gateway(start_gateway: Callable[..., Any], kubeconfig_everywhere: Path, store: MetricsStore) -> Any:
    gateway = start_gateway(kubeconfig_everywhere, prometheusURL=store.url)
    gateway.until(gateway.ready)
    return gateway


def test_two_pods_calls_are_one_history_of_their_agent(
    place: Any, store: MetricsStore, gateway: Any, begin: datetime
) -> None:
    lasting = [
        *call(begin, "a", 1.1, 3.1, "completed", (1.6, 800), (2.6, 900)),
        *call(begin, "b", 2.1, 14.1, "user_left", (3.6, 850), (12.1, 4000)),
    ]
    gone_soon = call(begin, "c", 2.6, 4.6, "error", (3.1, 950))
    run_pod(store, place.namespace, "lasting", begin, lasting, minutes=30)
    run_pod(store, place.namespace, "gone", begin, gone_soon, minutes=6)
    store.flush()

    query = {
        "agent": f"{place.namespace}/receptionist",
        "from": begin.isoformat(),
        "to": (begin + 3 * STEP).isoformat(),
        "step": "10m",
    }
    response = gateway.get("/metrics/history", params=query)

    assert response.status_code == 200, response.text
    body = response.json()
    assert (body["source"], body["step_seconds"]) == ("prometheus", 600)
    (agent,) = body["agents"]
    assert (agent["namespace"], agent["agent"]) == (place.namespace, "receptionist")
    first, second = agent["points"]
    assert datetime.fromisoformat(first["timestamp"]) == begin
    assert (first["started"], first["ended"], first["turns"]) == (3, {"completed": 1, "error": 1}, 4)
    assert first["active"]["max"] == 3
    assert 0.8 < first["active"]["mean"] < 1.5, "2 + 2 + 8 minutes of ten"
    assert 750 <= first["latency"]["e2e"]["p50"] <= 1000, "the buckets of the workers' histograms are wide"
    assert first["latency"]["stt"] is None
    assert (second["started"], second["ended"], second["turns"]) == (0, {"user_left": 1}, 1)
    assert second["latency"]["e2e"]["p95"] > 3000


def test_all_agents_are_asked_for_at_once(place: Any, store: MetricsStore, gateway: Any, begin: datetime) -> None:
    run_pod(store, place.namespace, "p", begin, call(begin, "a", 1.1, 2.1, "completed"), minutes=5)
    store.flush()

    body = gateway.get("/metrics/history", params={"from": begin.isoformat()}).json()

    assert place.namespace in {agent["namespace"] for agent in body["agents"]}


def test_made_up_calls_are_in_no_store(gateway: Any) -> None:
    assert gateway.get("/metrics/history?test=true").json()["agents"] == []


def test_the_gateway_keeps_no_history_of_its_own_then(gateway: Any) -> None:
    assert "kept in memory" not in gateway.log


def test_a_store_that_is_away_is_told_and_nothing_else_suffers(
    start_gateway: Callable[..., Any], kubeconfig_everywhere: Path
) -> None:
    gateway = start_gateway(kubeconfig_everywhere, prometheusURL="http://127.0.0.1:1")
    gateway.until(gateway.ready)

    response = gateway.get("/metrics/history")

    assert response.status_code == 503
    assert response.json()["detail"] == "the metrics store cannot be reached: ClientConnectorError."
    assert gateway.get("/metrics").status_code == 200
