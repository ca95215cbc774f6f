"""The gateway's picture of worker pods that a real API server knows of."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from voiceagent_api.worker_status import SessionRecord, TurnRecord, WorkerStatus

Start = Callable[..., Any]


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


@pytest.fixture(scope="module")
def gateway(start_gateway: Start, kubeconfig_everywhere: Path) -> Any:
    """A gateway for all namespaces."""
    gateway = start_gateway(kubeconfig_everywhere)
    gateway.until(gateway.ready)
    return gateway


def test_calls_of_all_pods_are_one_picture_and_a_slow_pod_holds_nobody_up(
    place: Any, gateway: Any, start_worker: Start
) -> None:
    quick, slow = start_worker(), start_worker()
    quick.status = worker_status(place, session("a", stt_milliseconds=100.0, e2e_milliseconds=900.0))
    slow.status = worker_status(place, session("b"), session("c", ended=True, stt_milliseconds=300.0))
    place.pod("quick", quick.port)
    place.pod("slow", slow.port)

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
    assert time.monotonic() - started < 4
    mine = {pod["name"]: pod["stale"] for pod in metrics["pods"] if pod["namespace"] == place.namespace}
    assert mine == {"quick": False, "slow": True}
    assert metrics["sessions"]["active_count"] == 2, "what was last known of the slow pod is shown"
    assert [one["id"] for one in metrics["sessions"]["sessions"] if one["stale"]] == ["b"]

    place.delete("pod", "slow")
    metrics = gateway.until(lambda: (m := gateway.get("/metrics").json())["sessions"]["active_count"] == 1 and m)
    assert {one["id"]: one["outcome"] for one in metrics["sessions"]["recent"]} == {"b": "unknown", "c": "completed"}
    assert [pod["name"] for pod in metrics["pods"]] == ["quick"]

    before, started = quick.reads, time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: gateway.get("/metrics/simple").status_code, range(60)))
    elapsed = time.monotonic() - started
    assert set(answers) == {200}
    assert quick.reads - before <= elapsed / 0.5 + elapsed / 5 + 2, "many readers cost a pod one read"
    place.delete("pod", "quick")
