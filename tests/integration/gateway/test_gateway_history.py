"""The gateway's own history: of calls on pods that come and go, by gateways that are killed."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from voiceagent_api.worker_status import SessionRecord, TurnRecord, WorkerStatus

Start = Callable[..., Any]


@dataclass
class Pod:
    """A stand-in for a worker pod, and the calls that it tells of."""

    name: str
    worker: Any
    place: Any
    calls: dict[str, SessionRecord] = field(default_factory=dict)

    def begin(self, id_: str) -> None:
        now = datetime.now(UTC)
        turn = TurnRecord(at=now, e2e_milliseconds=900.0)
        self.calls[id_] = SessionRecord(id=id_, room=id_, started_at=now, config_revision="c", turns=[turn])
        self.tell()

    def end(self, id_: str) -> None:
        changes = {"ended_at": datetime.now(UTC), "outcome": "completed"}
        self.calls[id_] = self.calls[id_].model_copy(update=changes)
        self.tell()

    @property
    def running(self) -> list[str]:
        return [id_ for id_, call in self.calls.items() if call.ended_at is None]

    def tell(self) -> None:
        status = WorkerStatus(
            namespace=self.place.namespace, agent="receptionist", agent_name="x", pod=self.name, revision="r1",
            config_revision="c", registered=True, draining=False, sessions=list(self.calls.values()),
        )  # fmt: skip
        self.worker.status = status.model_dump(mode="json", by_alias=True)


@dataclass
class Fleet:
    """Pods that come and go, and what their calls really were."""

    place: Any
    start_worker: Start
    pods: list[Pod] = field(default_factory=list)
    truth: Counter[str] = field(default_factory=Counter)
    number: int = 0

    def add_pod(self) -> Pod:
        self.number += 1
        worker = self.start_worker()
        pod = Pod(f"pod-{self.number}", worker, self.place)
        pod.tell()
        self.pods.append(pod)
        self.place.pod(pod.name, worker.port)
        return pod

    def remove_pod(self) -> None:
        """The oldest pod vanishes, with its calls."""
        pod = self.pods.pop(0)
        self.truth["unknown"] += len(pod.running)
        self.place.delete("pod", pod.name)

    def churn(self) -> None:
        """On every pod a call ends, two begin, and one was over before anybody looked."""
        for pod in self.pods:
            if pod.running:
                pod.end(pod.running[0])
                self.truth["completed"] += 1
            for kind in ("lasting", "other", "brief"):
                self.number += 1
                pod.begin(f"{kind}-{self.number}")
                self.truth["started"] += 1
            pod.end(f"brief-{self.number}")
            self.truth["completed"] += 1


@pytest.fixture
def fleet(place: Any, start_worker: Start) -> Iterator[Fleet]:
    """Three pods, and those that come later; none is left to other tests."""
    made = Fleet(place, start_worker)
    for _ in range(3):
        made.add_pod()
    yield made
    for pod in made.pods:
        place.delete("pod", pod.name)


def totals(gateway: Any, query: str = "") -> Counter[str]:
    """What the history has in all."""
    response = gateway.get(f"/metrics/history?step=1d{query}")
    assert response.status_code == 200, response.text
    found: Counter[str] = Counter()
    for point in (point for agent in response.json()["agents"] for point in agent["points"]):
        found.update({"started": point["started"], **point["ended"]})
        assert point["turns"] == point["started"]
    return +found


def until_told(gateway: Any, truth: Counter[str]) -> None:
    gateway.until(lambda: totals(gateway) == truth)


def test_no_call_is_lost_or_counted_twice_while_gateways_are_killed_and_pods_come_and_go(
    place: Any, fleet: Fleet, start_gateway: Start, kubeconfig_everywhere: Path, tmp_path: Path
) -> None:
    def start() -> Any:
        arguments = (f"--data-dir={tmp_path}", f"--namespace={place.namespace}")
        gateway = start_gateway(kubeconfig_everywhere, *arguments)
        gateway.until(gateway.ready)
        return gateway

    gateway = start()
    for _ in range(2):
        fleet.churn()
        until_told(gateway, fleet.truth)
        # A pod vanishes under the gateway, another while there is none.
        fleet.remove_pod()
        fleet.add_pod()
        until_told(gateway, fleet.truth)
        fleet.churn()
        gateway.kill()
        for pod in fleet.pods[1:]:
            pod.end(pod.running[0])
            fleet.truth["completed"] += 1
        gateway = start()
        until_told(gateway, fleet.truth)
        gateway.kill()
        fleet.remove_pod()
        fleet.add_pod()
        gateway = start()
        until_told(gateway, fleet.truth)

    reads = fleet.pods[0].worker.reads
    gateway.until(lambda: fleet.pods[0].worker.reads >= reads + 3)
    assert totals(gateway) == fleet.truth

    recent = gateway.get("/metrics/sessions").json()["recent"]
    assert Counter(one["outcome"] for one in recent) == fleet.truth - Counter(started=fleet.truth["started"])
    assert len({(one["pod"], one["id"]) for one in recent}) == len(recent)
    history = gateway.get("/metrics").json()["history"]
    assert sum(bucket["sessions_ended"] for bucket in history) == len(recent)


def test_made_up_calls_are_in_the_history_only_of_whom_asks_for_them(
    place: Any, start_gateway: Start, kubeconfig_everywhere: Path, tmp_path: Path
) -> None:
    arguments = (f"--data-dir={tmp_path}", f"--namespace={place.namespace}")
    gateway = start_gateway(kubeconfig_everywhere, *arguments, allowTestMetrics=True)
    gateway.until(gateway.ready)
    assert len(gateway.get("/metrics/test").json()["created"]) == 10

    made = gateway.until(lambda: gateway.get("/metrics/history?test=true").json()["agents"])

    assert [agent["test"] for agent in made] == [True]
    assert sum(point["started"] for point in made[0]["points"]) == 10
    assert gateway.get("/metrics/history").json()["agents"] == []


def test_a_folder_that_cannot_be_written_is_told_at_once(
    start_gateway: Start, kubeconfig_everywhere: Path, tmp_path: Path
) -> None:
    gateway = start_gateway(kubeconfig_everywhere, f"--data-dir={tmp_path}/missing")

    assert gateway.process.wait(60) == 2
    gateway.killed = True
    assert "Give --data-dir a folder that it may write." in gateway.log


def test_a_gateway_that_keeps_its_history_in_memory_says_so(start_gateway: Start, kubeconfig_everywhere: Path) -> None:
    gateway = start_gateway(kubeconfig_everywhere)
    gateway.until(gateway.ready)

    assert gateway.log.count("the history is kept in memory") == 1
    now = datetime.now(UTC)
    query = {"from": (now - timedelta(hours=1)).isoformat(), "to": now.isoformat()}
    assert gateway.get("/metrics/history", params=query).json()["agents"] is not None
