"""The history across readings, restarts and a file that is full."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from voiceagent_api.worker_status import SessionRecord, TurnRecord, WorkerStatus
from voiceagent_gateway.database import Database, DatabaseError, open_database
from voiceagent_gateway.history import store
from voiceagent_gateway.history.moments import milliseconds
from voiceagent_gateway.history.points import HistoryError
from voiceagent_gateway.history.prune import FULL, Retention, fullness
from voiceagent_gateway.history.question import Question
from voiceagent_gateway.history.recorder import Recorder
from voiceagent_gateway.history.schema import SCHEMA
from voiceagent_gateway.model import PastSession, PodRef, PodView
from voiceagent_gateway.problems import ProblemError

NOW = datetime(2026, 5, 4, 12, 30, 15, tzinfo=UTC)
MEGABYTE = 1024 * 1024


def session(id_: str, started: datetime, ended: datetime | None = None, outcome: str = "completed") -> SessionRecord:
    return SessionRecord(
        id=id_,
        room=f"room-{id_}",
        started_at=started,
        ended_at=ended,
        config_revision="c",
        outcome=outcome if ended else "active",  # type: ignore[arg-type]
        turns=[TurnRecord(at=started + timedelta(seconds=1), e2e_milliseconds=900.0)],
    )


def turns(at: datetime) -> list[TurnRecord]:
    """Turns with latencies of many sizes."""
    names = ("e2e_milliseconds", "stt_milliseconds", "llm_ttft_milliseconds", "tts_ttfb_milliseconds")
    return [
        TurnRecord(at=at + timedelta(milliseconds=size), **dict.fromkeys(names, 2.0**size))  # type: ignore[arg-type]
        for size in range(1, 11)
    ]


class World:
    """A folder with the database, and gateways that come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        self.retention = Retention(168)
        self.listed = True
        self.most_bytes = 64 * MEGABYTE
        self.open = AsyncExitStack()
        self.database: Database
        self.recorder: Recorder

    async def start(self) -> Sequence[PastSession]:
        """A gateway begins; what it restores."""
        await self.open.aclose()
        self.database = await self.open.enter_async_context(open_database(self.folder, SCHEMA, self.most_bytes))
        self.recorder = Recorder(self.database, lambda: self.retention, lambda: self.now, lambda: self.listed)
        return await self.recorder.restore()

    async def see(self, *records: SessionRecord, pod: str = "p", past: Sequence[PastSession] = ()) -> Any:
        """The gateway sees a pod with these calls."""
        return await self.recorder.record([self.view(pod, *records)], past)

    def view(self, pod: str, *records: SessionRecord) -> PodView:
        status = WorkerStatus(
            namespace="default", agent="a", agent_name="default-a", pod=pod, revision="r", config_revision="c",
            registered=True, draining=False, sessions=list(records),
        )  # fmt: skip
        return PodView(PodRef(f"uid-{pod}", "default", pod, "a", "r", phase="Running"), status, self.now)

    async def totals(self, **asked: Any) -> dict[str, int]:
        """All that the last days' history has: started, turns, and each outcome."""
        until = milliseconds(self.now) + 60_000
        history = await self.recorder.query(Question(until - 14 * 86_400_000, until, 86400, **asked))
        totals: dict[str, int] = {}
        for point in (point for agent in history.agents for point in agent.points):
            for name, number in {"started": point.started, "turns": point.turns, **point.ended}.items():
                totals[name] = totals.get(name, 0) + number
        return totals

    async def count(self, table: str, where: str = "TRUE") -> int:
        def work(connection: sqlite3.Connection) -> int:
            found: int = connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]
            return found

        return await self.database.run(work)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.start()
    yield made
    await made.open.aclose()


async def test_a_call_counts_once_however_often_it_is_read_and_by_how_many_gateways(world: World) -> None:
    running, over = session("s", NOW), session("s", NOW, NOW + timedelta(seconds=40))
    for record in (running, running, over, over):
        await world.see(record)
    world.now += timedelta(minutes=5)
    await world.start()
    for record in (over, over):
        await world.see(record)

    assert await world.totals() == {"started": 1, "turns": 1, "completed": 1}


async def test_two_pods_calls_of_one_id_are_two(world: World) -> None:
    await world.see(session("s", NOW), pod="p")
    await world.see(session("s", NOW), pod="q")

    assert (await world.totals())["started"] == 2


async def test_a_call_that_ended_while_no_gateway_ran_is_counted_by_the_next(world: World) -> None:
    await world.see(session("s", NOW))
    world.now += timedelta(minutes=30)
    await world.start()
    await world.see(session("s", NOW, NOW + timedelta(minutes=10)), session("t", NOW, NOW + timedelta(minutes=20)))

    assert await world.totals() == {"started": 2, "turns": 2, "completed": 2}


async def test_a_call_whose_pod_went_while_no_gateway_ran_is_recorded_as_such(world: World) -> None:
    await world.see(session("s", NOW))
    world.now += timedelta(minutes=1)
    await world.see(session("s", NOW))
    world.now += timedelta(minutes=3)
    world.listed = False
    await world.start()
    assert await world.recorder.record([], ()) == [], "the pods are not listed yet"
    world.listed = True

    (remembered,) = await world.recorder.record([], ())

    assert (remembered.outcome, remembered.record.id) == ("unknown", "s")
    assert remembered.ended_at == NOW + timedelta(minutes=1), "when it was last seen"
    assert await world.totals() == {"started": 1, "turns": 1, "unknown": 1}


async def test_recent_calls_are_there_after_a_restart(world: World) -> None:
    pod = PodRef("uid-p", "default", "p", "a", "r")
    record = session("cut", NOW)
    await world.see(
        session("old", NOW - timedelta(hours=2), NOW - timedelta(minutes=61)),
        session("new", NOW - timedelta(hours=2), NOW - timedelta(minutes=59)),
        pod="q",
        past=[PastSession(pod, record, NOW, "unknown")],
    )

    restored = await world.start()

    assert [(one.pod.name, one.record.id, one.outcome) for one in restored] == [
        ("q", "new", "completed"),
        ("p", "cut", "unknown"),
    ]
    assert restored[1].record == record


async def test_made_up_calls_are_apart_from_real_ones(world: World) -> None:
    pod = PodRef("test-data", "test-data", "test-data", "test-data")
    record = session("t", NOW - timedelta(minutes=2), NOW - timedelta(minutes=1))
    await world.recorder.record([], [PastSession(pod, record, NOW - timedelta(minutes=1), "completed", test=True)])

    assert await world.totals() == {}
    assert await world.totals(test=True) == {"started": 1, "turns": 1, "completed": 1}
    assert await world.start() == [], "it is not among the recent calls of another gateway"


async def test_one_agent_can_be_asked_for(world: World) -> None:
    await world.see(session("s", NOW))

    assert (await world.totals(agent=("default", "a")))["started"] == 1
    assert await world.totals(agent=("default", "b")) == {}
    assert await world.totals(agent=("other", "a")) == {}


async def test_a_step_that_is_summed_up_of_too_many_rollups_is_refused_with_a_better_one(world: World) -> None:
    await world.see(session("s", NOW))
    until = milliseconds(NOW)

    with pytest.raises(ProblemError, match="give a step of whole 600 s"):
        await world.recorder.query(Question(until - 1000 * 3_600_000, until, 59 * 60))


async def test_what_is_older_than_the_retention_goes(world: World) -> None:
    await world.see(session("s", NOW, NOW + timedelta(seconds=10)))
    world.retention = Retention(48, {("default", "a"): 2})
    world.now += timedelta(hours=3, seconds=50)
    await world.see()

    assert await world.count("rollups", "resolution <= 600") == 0
    assert await world.count("sessions") == 0

    world.now += timedelta(days=2)
    await world.see()
    assert await world.count("rollups") == 0
    assert await world.count("series") == 0


async def test_an_agent_cannot_have_its_history_kept_for_longer_than_the_gateways(world: World) -> None:
    world.retention = Retention(2, {("default", "a"): 100})
    await world.see(session("s", NOW, NOW + timedelta(seconds=10)))
    world.now += timedelta(hours=3)
    await world.see()

    assert await world.count("rollups", "resolution = 60") == 0


async def test_details_of_a_call_go_with_the_hour_and_its_row_stays(world: World) -> None:
    await world.see(session("s", NOW, NOW + timedelta(seconds=10)))
    world.now += timedelta(hours=1, seconds=11)
    await world.see()

    assert await world.count("sessions", "record IS NULL") == 1


async def test_a_file_that_is_nearly_full_loses_the_oldest_first_and_counts_nothing_twice(world: World) -> None:
    world.most_bytes = MEGABYTE
    await world.start()
    told: list[SessionRecord] = []
    for hour in range(8):
        world.now = NOW + timedelta(hours=hour)
        more = [
            session(f"{hour}-{number}" + "x" * 80, world.now, world.now + timedelta(seconds=1)) for number in range(300)
        ]
        told += more
        await world.see(*told)
        await world.see(*told)
        await world.see(*told)

    assert await world.database.run(fullness) <= FULL + 0.05
    kept = await world.count("sessions")
    assert 0 < kept < 300 * 8
    assert await world.count("sessions", "id LIKE '7-%'") == 300, "the newest are there"
    assert await world.totals() == {"started": 2400, "turns": 2400, "completed": 2400}

    await world.start()
    await world.see(*told)
    assert await world.totals() == {"started": 2400, "turns": 2400, "completed": 2400}


async def test_a_file_full_of_rollups_loses_minutes_before_hours(world: World) -> None:
    world.most_bytes = 96 * 4096
    await world.start()
    told: list[SessionRecord] = []
    for minute in range(0, 60 * 24 * 4, 3):
        world.now = NOW + timedelta(minutes=minute)
        told = [*told[-19:], session(f"{minute}", world.now, world.now).model_copy(update={"turns": turns(world.now)})]
        await world.see(*told)

    assert await world.database.run(fullness) <= 1
    assert await world.count("rollups", "resolution = 60") < 1920
    assert await world.count("rollups", "resolution = 3600") >= 96
    assert (await world.totals())["started"] == 1920


async def test_a_database_that_fails_loses_nothing_while_the_pods_tell(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: Any) -> None:
        raise DatabaseError("the disk is gone")

    well = world.database.run
    world.database.run = fail  # type: ignore[method-assign,assignment]
    await world.see(session("s", NOW))
    await world.see(session("s", NOW, NOW))
    with pytest.raises(HistoryError, match="disk is gone"):
        await world.totals()
    world.database.run = well  # type: ignore[method-assign]
    await world.see(session("s", NOW, NOW))

    assert await world.totals() == {"started": 1, "turns": 1, "completed": 1}
    assert caplog.text.count("cannot be kept") == 1


async def test_a_writing_that_finds_no_room_makes_some(world: World) -> None:
    hours = [NOW + timedelta(hours=hour) for hour in range(10)]
    for world.now in hours:
        await world.see(*(session(f"{world.now:%H}-{number}", world.now, world.now) for number in range(20)))
    well, failures = world.database.run, iter([None, DatabaseError("full")])

    async def full_once(work: Any) -> Any:
        if (failure := next(failures, None)) is not None:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise failure from error
        return await well(work)

    world.database.run = full_once  # type: ignore[method-assign]
    await world.see(session("new", world.now))
    assert await world.count("sessions") == 200

    await world.see(session("new", world.now))

    assert 0 < await world.count("sessions") < 200
    assert await world.count("sessions", "id = 'new'") == 1
    assert (await world.totals())["started"] == 201


async def test_a_gateway_that_could_not_read_its_history_at_first_reads_it_later(world: World) -> None:
    await world.see(session("s", NOW), session("t", NOW - timedelta(minutes=1), NOW))
    await world.start()
    well, world.database.run = world.database.run, _fails  # type: ignore[method-assign,assignment]
    recorder = Recorder(world.database, lambda: world.retention, lambda: world.now, lambda: True)
    assert await recorder.restore() == ()
    assert await recorder.record([], ()) == ()
    world.database.run = well  # type: ignore[method-assign]

    remembered = await recorder.record([], ())

    assert {(one.record.id, one.outcome) for one in remembered} == {("t", "completed"), ("s", "unknown")}


async def _fails(_: Any) -> None:
    raise DatabaseError("the disk is gone")


async def test_details_that_this_version_cannot_read_are_passed_over(world: World) -> None:
    await world.see(session("s", NOW, NOW))

    def spoil(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE sessions SET record = '{}'")

    await world.database.run(spoil)

    assert await world.database.run(lambda c: store.ended_since(c, 0, 10)) == []
