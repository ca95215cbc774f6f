"""What is counted of calls that are seen again and again is what a naive count of their ends gives."""

import math
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_api.worker_status import SessionRecord, TurnRecord, WorkerStatus
from voiceagent_gateway.history import rollups, store
from voiceagent_gateway.history.latencies import BUCKET_ERROR, STAGES, bucket_of, decode, encode, quantiles
from voiceagent_gateway.history.moments import milliseconds, moment
from voiceagent_gateway.history.question import Question
from voiceagent_gateway.history.schema import SCHEMA
from voiceagent_gateway.history.sightings import Known, look, lost
from voiceagent_gateway.model import PodRef, PodView

BEGIN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SPAN_SECONDS = 3 * 3600
OUTCOMES = ("completed", "user_left", "error")
LATENCY = st.floats(min_value=1.5, max_value=60_000)


@dataclass(frozen=True)
class Call:
    """A call as it really was; offsets in milliseconds since BEGIN."""

    number: int
    start: int
    end: int
    outcome: str
    turns: Sequence[tuple[int, tuple[float | None, ...]]]

    def at(self, now: int) -> SessionRecord | None:
        """What its pod tells of it then."""
        if now < self.start:
            return None
        over = self.end <= now
        return SessionRecord(
            id=f"s{self.number}",
            room="lobby",
            started_at=BEGIN + timedelta(milliseconds=self.start),
            ended_at=BEGIN + timedelta(milliseconds=self.end) if over else None,
            config_revision="c",
            outcome=self.outcome if over else "active",  # type: ignore[arg-type]
            turns=[
                TurnRecord(
                    at=BEGIN + timedelta(milliseconds=at),
                    e2e_milliseconds=e2e,
                    stt_milliseconds=stt,
                    llm_ttft_milliseconds=llm,
                    tts_ttfb_milliseconds=tts,
                )
                for at, (e2e, stt, llm, tts) in self.turns
                if at <= now
            ],
        )


@st.composite
def calls(draw: st.DrawFn) -> list[Call]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, (SPAN_SECONDS - 1) * 1000))
        end = draw(st.integers(start, SPAN_SECONDS * 1000))
        moments = draw(st.lists(st.integers(start, end), max_size=6, unique=True))
        latencies = st.tuples(*[st.none() | LATENCY] * len(STAGES))
        turns = [(at, draw(latencies)) for at in sorted(moments)]
        found.append(Call(number, start, end, draw(st.sampled_from(OUTCOMES)), turns))
    return found


def memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in SCHEMA:
        connection.execute(statement)
    return connection


def view(status: WorkerStatus, read_at: datetime) -> PodView:
    return PodView(PodRef("u", "default", "p", "a", phase="Running", address="10.0.0.1"), status, read_at)


def status(records: Sequence[SessionRecord]) -> WorkerStatus:
    return WorkerStatus(
        namespace="default",
        agent="a",
        agent_name="default-a",
        pod="p",
        revision="r",
        config_revision="c",
        registered=True,
        draining=False,
        sessions=list(records),
    )


def see(connection: sqlite3.Connection, known: dict[Any, Known], all_calls: Sequence[Call], now: int) -> None:
    """A look at the pod, written as the recorder does."""
    at = BEGIN + timedelta(milliseconds=now)
    views = [view(status([record for call in all_calls if (record := call.at(now))]), at)]
    seen = look(views, (), known, at)
    batch = store.Batch(milliseconds(at), seen.news, lost(known, views, listed=True), seen.active)
    known.update(store.write(connection, batch))


@given(calls(), st.lists(st.tuples(st.integers(0, SPAN_SECONDS * 1000), st.booleans()), max_size=12), st.data())
def test_rollups_are_what_a_naive_count_gives(
    all_calls: list[Call], looks: list[tuple[int, bool]], data: st.DataObject
) -> None:
    connection = memory()
    known: dict[Any, Known] = {}
    for now, restarted in [*sorted(looks), (SPAN_SECONDS * 1000, False)]:
        if restarted:
            known = store.running(connection)
        see(connection, known, all_calls, now)

    step = data.draw(st.sampled_from([60, 120, 600, 1800, 3600, 7200, 86400]))
    end = BEGIN + timedelta(seconds=SPAN_SECONDS + 1)
    question = Question(milliseconds(BEGIN), milliseconds(end), step)
    answer = rollups.read(connection, question, milliseconds(end) + 86_400_000)

    points = {point.start: point for agent in answer.agents for point in agent.points}
    active: dict[int, float] = defaultdict(float)
    counts: dict[tuple[str, int], int] = defaultdict(int)
    latencies: dict[tuple[int, int], list[float]] = defaultdict(list)
    base, length = milliseconds(BEGIN), step * 1000
    for call in all_calls:
        counts["started", floor(base + call.start, length)] += 1
        counts[call.outcome, floor(base + call.end, length)] += 1
        place = base + call.start
        while place < base + call.end:
            until = min(base + call.end, floor(place, length) + length)
            active[floor(place, length)] += (until - place) / length
            place = until
        for at, measured in call.turns:
            counts["turns", floor(base + at, length)] += 1
            for stage, value in enumerate(measured):
                if value is not None:
                    latencies[floor(base + at, length), stage].append(value)
    assert {start for start in active if active[start]} | {start for _, start in counts} <= set(points)
    for start, point in points.items():
        assert point.active_mean == pytest.approx(active[start], abs=0.0006)
        assert point.active_max >= point.active_mean - 0.0006
        assert point.started == counts["started", start]
        assert point.turns == counts["turns", start]
        assert dict(point.ended) == {o: counts[o, start] for o in OUTCOMES if counts[o, start]}
        for stage, found in enumerate(point.latencies):
            values = sorted(latencies[start, stage])
            assert (found is None) == (not values)
            for percent, told in zip((50, 95, 99), found or (), strict=False):
                true = values[math.ceil(len(values) * percent / 100) - 1]
                assert abs(told / true - 1) <= BUCKET_ERROR + 0.01


def floor(at: int, length: int) -> int:
    return at - at % length


@given(st.floats(min_value=1.0001, max_value=100_000))
def test_a_latency_is_told_within_half_a_bucket(milliseconds_: float) -> None:
    found = quantiles({bucket_of(milliseconds_): 1})

    assert found is not None
    assert abs(found.p50 / milliseconds_ - 1) <= BUCKET_ERROR + 0.005


@pytest.mark.parametrize("odd", [math.nan, -1.0, 0.0, math.inf, 1e300])
def test_a_latency_that_cannot_be_is_counted_at_an_end(odd: float) -> None:
    found = quantiles({bucket_of(odd): 1})

    assert found is not None
    assert found.p50 < 1 or found.p50 > 120_000


@given(st.lists(st.dictionaries(st.integers(0, 136), st.integers(1, 2**32 - 1)), min_size=4, max_size=4))
def test_counts_are_read_as_they_were_kept(stages: list[dict[int, int]]) -> None:
    assert [dict(zip(*stage, strict=True)) for stage in decode(encode(stages))] == stages


def test_a_call_that_a_pod_with_a_wrong_clock_tells_of_is_counted_when_it_is_seen() -> None:
    connection = memory()
    ahead = Call(1, start=7_200_000, end=9_000_000, outcome="completed", turns=[(8_000_000, (500.0, None, None, None))])
    record = ahead.at(SPAN_SECONDS * 1000)
    assert record is not None
    seen = look([view(status([record]), BEGIN)], (), {}, BEGIN)
    store.write(connection, store.Batch(milliseconds(BEGIN), seen.news))

    now = milliseconds(BEGIN)
    (agent,) = rollups.read(connection, Question(now, now + 60_000, 60), now + 60_000).agents
    (point,) = agent.points
    assert (moment(point.start), point.started, point.turns, dict(point.ended)) == (BEGIN, 1, 1, {"completed": 1})


def test_an_end_that_was_not_seen_gives_way_to_one_that_was() -> None:
    connection = memory()
    call = Call(1, start=0, end=120_000, outcome="completed", turns=[])
    known: dict[Any, Known] = {}
    see(connection, known, [call], 60_000)
    views: list[PodView] = []
    known |= store.write(connection, store.Batch(milliseconds(BEGIN), (), lost(known, views, listed=True)))
    assert [k.outcome for k in known.values()] == ["unknown"]

    see(connection, known, [call], 180_000)

    now = milliseconds(BEGIN)
    (agent,) = rollups.read(connection, Question(now, now + 600_000, 600), now + 600_000).agents
    assert [dict(point.ended) for point in agent.points] == [{"completed": 1}]
    assert agent.points[0].active_mean == pytest.approx(0.2)


def test_nothing_is_concluded_before_all_pods_are_listed() -> None:
    running = {("u", "s"): Known(0, 0, None, "active", 0, 0)}

    assert lost(running, [], listed=False) == []
    assert lost(running, [], listed=True) == [("u", "s")]
    assert lost(running, [PodView(PodRef("u", "default", "p", "a"))], listed=True) == [], "it was not read yet"
    stale = PodView(PodRef("u", "default", "p", "a"), status([]), BEGIN, "it did not answer in time", 1)
    assert lost(running, [stale], listed=True) == []
    assert lost(running, [view(status([]), BEGIN)], listed=True) == [("u", "s")], "its worker began anew"
