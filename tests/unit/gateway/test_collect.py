"""Reading worker pods: shared, bounded in time, and nothing that ended is lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from voiceagent_api.worker_status import SessionRecord, TurnRecord, WorkerStatus
from voiceagent_gateway import collect
from voiceagent_gateway.collect import PAST_MAX, PAST_TURNS_MAX, FleetCollector, ReadError
from voiceagent_gateway.model import PastSession, PodRef, PodView
from voiceagent_gateway.wake import Wake

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


def pod(name: str, **fields: object) -> PodRef:
    values: dict[str, object] = {"uid": name, "namespace": "default", "name": name, "agent": "a"}
    return PodRef(**{**values, "address": "10.0.0.1", "phase": "Running", **fields})  # type: ignore[arg-type]


def status(*sessions: SessionRecord) -> WorkerStatus:
    return WorkerStatus(
        namespace="default",
        agent="a",
        agent_name="default-a",
        pod="p",
        revision="r",
        config_revision="c",
        registered=True,
        draining=False,
        sessions=list(sessions),
    )


def session(id_: str, ended_at: datetime | None = None, turns: int = 0) -> SessionRecord:
    return SessionRecord(
        id=id_,
        room="lobby",
        started_at=NOW - timedelta(minutes=5),
        ended_at=ended_at,
        config_revision="c",
        outcome="completed" if ended_at else "active",
        turns=[TurnRecord(at=NOW)] * turns,
    )


class Cluster:
    """Pods and what each does when it is read."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[], Awaitable[WorkerStatus]] | WorkerStatus | Exception] = {}
        self.pods: list[PodRef] = []
        self.reads: list[str] = []
        self.now = NOW

    def collector(self) -> FleetCollector:
        return FleetCollector(lambda: self.pods, self.fetch, lambda: self.now)

    def add(self, name: str, answer: Callable[[], Awaitable[WorkerStatus]] | WorkerStatus | Exception) -> None:
        self.pods.append(pod(name))
        self.answers[name] = answer

    async def fetch(self, ref: PodRef) -> WorkerStatus:
        self.reads.append(ref.name)
        answer = self.answers[ref.name]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, WorkerStatus) else await answer()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def no_sharing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reader makes a round of their own."""
    monkeypatch.setattr(collect, "SHARED_SECONDS", 0.0)


async def never() -> WorkerStatus:
    await asyncio.sleep(3600)
    raise AssertionError


async def test_many_readers_at_once_cost_one_read_of_each_pod(cluster: Cluster) -> None:
    async def slowly() -> WorkerStatus:
        await asyncio.sleep(0.05)
        return status(session("s"))

    cluster.add("p", slowly)
    collector = cluster.collector()

    fleets = await asyncio.gather(*(collector.read() for _ in range(50)))
    again = await collector.read()

    assert cluster.reads == ["p"]
    assert all(fleet is again for fleet in fleets)


async def test_a_reader_who_leaves_does_not_take_the_read_from_the_others(cluster: Cluster) -> None:
    async def slowly() -> WorkerStatus:
        await asyncio.sleep(0.1)
        return status(session("s"))

    cluster.add("p", slowly)
    collector = cluster.collector()
    impatient = asyncio.create_task(collector.read())
    patient = asyncio.create_task(collector.read())
    await asyncio.sleep(0.01)
    impatient.cancel()

    assert len((await patient).active) == 1
    assert cluster.reads == ["p"]


async def test_a_pod_that_never_answers_holds_nobody_up_for_more_than_its_deadline(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "READ_TIMEOUT_SECONDS", 0.2)
    cluster.add("dead", never)
    cluster.add("well", status(session("s")))

    started = time.monotonic()
    fleet = await cluster.collector().read()

    assert time.monotonic() - started < 1
    assert [(view.pod.name, view.stale) for view in fleet.pods] == [("dead", True), ("well", False)]
    assert len(fleet.active) == 1


@pytest.mark.usefixtures("no_sharing")
async def test_more_dead_pods_than_places_keep_no_living_pod_waiting_twice(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "READ_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(collect, "ROUND_TIMEOUT_SECONDS", 0.3)
    for number in range(200):
        cluster.add(f"dead-{number}", never)
    cluster.add("well", status(session("s")))
    collector = cluster.collector()

    await collector.read()
    fleet = await collector.read()

    assert [view.pod.name for view in fleet.pods if not view.stale] == ["well"]


@pytest.mark.usefixtures("no_sharing")
async def test_a_pod_that_stops_answering_is_shown_as_it_last_was(cluster: Cluster) -> None:
    cluster.add("p", status(session("s")))
    collector = cluster.collector()
    await collector.read()
    cluster.answers["p"] = ReadError("it cannot be reached")
    cluster.now += timedelta(seconds=10)

    fleet = await collector.read()

    assert [(one.record.id, one.stale) for one in fleet.active] == [("s", True)]
    assert fleet.pods[0].read_at == NOW
    assert fleet.pods[0].error == "it cannot be reached"


@pytest.mark.usefixtures("no_sharing")
async def test_a_pod_that_answers_again_is_stale_no_more(cluster: Cluster) -> None:
    cluster.add("p", ReadError("it cannot be reached"))
    collector = cluster.collector()
    await collector.read()
    cluster.answers["p"] = status()

    assert not (await collector.read()).pods[0].stale


async def test_whatever_a_pod_sends_the_others_are_read(cluster: Cluster) -> None:
    cluster.add("odd", KeyError("odd"))
    cluster.add("well", status(session("s")))

    fleet = await cluster.collector().read()

    assert [(view.pod.name, view.stale) for view in fleet.pods] == [("odd", True), ("well", False)]


@pytest.mark.usefixtures("no_sharing")
async def test_the_ended_sessions_of_a_vanished_pod_stay_for_the_hour(cluster: Cluster) -> None:
    cluster.add("p", status(session("done", NOW - timedelta(minutes=1)), session("cut")))
    collector = cluster.collector()
    await collector.read()
    cluster.pods.clear()

    fleet = await collector.read()
    assert {(one.record.id, one.outcome) for one in fleet.recent} == {("done", "completed"), ("cut", "unknown")}
    assert fleet.active == ()
    assert fleet.pods == ()

    cluster.now += timedelta(minutes=59, seconds=30)
    assert [one.record.id for one in (await collector.read()).recent] == ["cut"]

    cluster.now += timedelta(minutes=1)
    assert (await collector.read()).recent == ()
    assert collector._past == {}


@pytest.mark.usefixtures("no_sharing")
async def test_a_pod_whose_containers_have_ended_counts_as_vanished(cluster: Cluster) -> None:
    cluster.add("p", status(session("done", NOW)))
    collector = cluster.collector()
    await collector.read()
    cluster.pods[0] = replace(cluster.pods[0], phase="Succeeded")

    fleet = await collector.read()

    assert fleet.pods == ()
    assert [one.record.id for one in fleet.recent] == ["done"]


async def test_a_pod_without_an_address_is_listed_and_not_asked(cluster: Cluster) -> None:
    cluster.pods.append(pod("new", address="", phase="Pending"))

    fleet = await cluster.collector().read()

    assert [(view.pod.name, view.stale, view.status) for view in fleet.pods] == [("new", False, None)]
    assert cluster.reads == []


async def test_what_is_remembered_is_bounded(cluster: Cluster) -> None:
    collector = cluster.collector()
    collector.remember(
        PastSession(pod("p"), session(str(number), NOW), NOW, "completed") for number in range(PAST_MAX + 10)
    )

    assert len(collector._past) == PAST_MAX
    assert ("p", "9") not in collector._past


@pytest.mark.usefixtures("no_sharing")
async def test_of_a_long_call_on_a_vanished_pod_only_the_last_turns_are_remembered(cluster: Cluster) -> None:
    cluster.add("p", status(session("long", NOW, turns=PAST_TURNS_MAX + 20)))
    collector = cluster.collector()
    await collector.read()
    cluster.pods.clear()

    assert len((await collector.read()).recent[0].record.turns) == PAST_TURNS_MAX


async def test_in_the_background_pods_are_read_without_anyone_asking(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "SHARED_SECONDS", 0.0)
    monkeypatch.setattr(collect, "BACKGROUND_SECONDS", 3600.0)
    monkeypatch.setattr(collect, "BACKGROUND_ENDING_SECONDS", 0.01)
    cluster.add("p", status())
    cluster.pods[0] = replace(cluster.pods[0], terminating=True)
    task = asyncio.create_task(cluster.collector().run())
    await asyncio.sleep(0.2)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert len(cluster.reads) > 3, "a pod that is being ended is read often"


async def test_a_pod_that_begins_to_end_is_read_at_once_and_others_are_told(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "BACKGROUND_SECONDS", 3600.0)
    cluster.add("p", status())
    cluster.add("q", status())
    ending = Wake()
    collector = FleetCollector(lambda: cluster.pods, cluster.fetch, lambda: NOW, ending=ending)
    told = collector.ending.next
    running = asyncio.create_task(collector.run())
    async with asyncio.timeout(30):
        while len(cluster.reads) < 2:
            await asyncio.sleep(0.01)
        assert not told.is_set()
        cluster.pods[1] = replace(cluster.pods[1], terminating=True)
        ending()
        await told.wait()
    assert [view.pod.terminating for view in collector.known] == [False, True]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@pytest.mark.usefixtures("no_sharing")
async def test_the_calls_of_a_worker_that_began_anew_are_remembered(cluster: Cluster) -> None:
    before = status(session("done", NOW - timedelta(minutes=1)), session("cut")).model_copy(update={"process": "1"})
    cluster.add("p", before)
    collector = cluster.collector()
    await collector.read()
    cluster.answers["p"] = status(session("new")).model_copy(update={"process": "2"})

    fleet = await collector.read()

    assert {(one.record.id, one.outcome) for one in fleet.recent} == {("done", "completed"), ("cut", "unknown")}
    assert [one.record.id for one in fleet.active] == ["new"]


async def test_the_background_reading_hands_on_what_it_saw_and_remembers_what_it_is_told(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "SHARED_SECONDS", 0.0)
    monkeypatch.setattr(collect, "BACKGROUND_SECONDS", 0.01)
    cluster.add("p", status(session("s")))
    told = PastSession(pod("gone"), session("kept", NOW), NOW, "completed")
    seen: list[tuple[list[str], list[str]]] = []

    async def record(views: Sequence[PodView], past: Sequence[PastSession]) -> Sequence[PastSession]:
        seen.append(([view.pod.name for view in views], [one.record.id for one in past]))
        return [told] if len(seen) == 1 else ()

    collector = FleetCollector(lambda: cluster.pods, cluster.fetch, lambda: cluster.now, record)
    await collector.read()
    assert seen == [], "a request writes nothing"
    task = asyncio.create_task(collector.run())
    while len(seen) < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert seen[:2] == [(["p"], []), (["p"], ["kept"])]
