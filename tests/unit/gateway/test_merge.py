"""The fleet as one picture, whatever its pods say."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_api.worker_status import Outcome, SessionRecord, TurnRecord, WorkerStatus
from voiceagent_gateway import metrics_json
from voiceagent_gateway.json_in_turns import pieces
from voiceagent_gateway.merge import WINDOW, Fleet, duration_seconds, merge
from voiceagent_gateway.model import PastSession, PodRef, PodView, as_utc

NOW = datetime(2026, 5, 4, 12, 30, 15, tzinfo=UTC)

moments = st.datetimes(datetime(2026, 5, 4, 10), datetime(2026, 5, 4, 13), timezones=st.sampled_from([UTC, None]))
latencies = st.none() | st.floats(0, 10_000)
turns = st.builds(
    TurnRecord,
    at=moments,
    stt_milliseconds=latencies,
    llm_ttft_milliseconds=latencies,
    tts_ttfb_milliseconds=latencies,
    e2e_milliseconds=latencies,
)
records = st.builds(
    SessionRecord,
    id=st.sampled_from("abcdefgh"),
    room=st.text(max_size=3),
    started_at=moments,
    ended_at=st.none() | moments,
    config_revision=st.just("c"),
    outcome=st.sampled_from(get_args(Outcome)),
    turns=st.lists(turns, max_size=3),
)
pods = st.builds(
    PodRef,
    uid=st.sampled_from("123"),
    namespace=st.sampled_from(["default", "other"]),
    name=st.sampled_from("xyz"),
    agent=st.sampled_from("ab"),
)


def status_of(sessions: list[SessionRecord]) -> WorkerStatus:
    return WorkerStatus(
        namespace="said",
        agent="said",
        agent_name="said",
        pod="said",
        revision="r",
        config_revision="c",
        registered=True,
        draining=False,
        sessions=sessions,
    )


statuses = st.none() | st.lists(records, max_size=4).map(status_of)
views = st.lists(
    st.builds(PodView, pod=pods, status=statuses, error=st.none() | st.just("slow")),
    max_size=3,
    unique_by=lambda view: view.pod.uid,
)
past = st.lists(
    st.builds(
        PastSession, pod=pods, record=records, ended_at=moments, outcome=st.sampled_from(["completed", "unknown"])
    ),
    max_size=6,
)


def told(fleet: Fleet) -> Any:
    return json.loads(b"".join(pieces(metrics_json.full(fleet))))


def record(id_: str, **fields: object) -> SessionRecord:
    values: dict[str, object] = {
        "room": "lobby",
        "started_at": NOW - timedelta(minutes=5),
        "config_revision": "c",
    }
    return SessionRecord(id=id_, **{**values, **fields})


@given(views, past)
def test_each_session_is_shown_once(pod_views: list[PodView], remembered: list[PastSession]) -> None:
    fleet = merge(pod_views, remembered, NOW)

    keys = [(session.pod.uid, session.record.id) for session in (*fleet.active, *fleet.recent)]
    assert len(keys) == len(set(keys))


@given(views, past)
def test_what_ended_more_than_an_hour_ago_is_not_shown(pod_views: list[PodView], remembered: list[PastSession]) -> None:
    fleet = merge(pod_views, remembered, NOW)

    assert all(session.ended_at and session.ended_at > NOW - WINDOW for session in fleet.recent)
    assert all(session.ended_at is None for session in fleet.active)


@given(views, past)
def test_every_recent_session_is_in_just_one_minute_of_the_history(
    pod_views: list[PodView], remembered: list[PastSession]
) -> None:
    fleet = merge(pod_views, remembered, NOW)

    assert sum(bucket.ended for bucket in fleet.history) == len(fleet.recent)
    starts = [bucket.start for bucket in fleet.history]
    assert starts == [starts[0] + timedelta(minutes=number) for number in range(61)]


@given(views, past)
def test_the_order_in_which_pods_are_told_of_changes_nothing(
    pod_views: list[PodView], remembered: list[PastSession]
) -> None:
    assert told(merge(pod_views, remembered, NOW)) == told(merge(list(reversed(pod_views)), remembered, NOW))


@given(views, past)
def test_no_duration_is_negative_and_each_average_lies_between_what_was_measured(
    pod_views: list[PodView], remembered: list[PastSession]
) -> None:
    fleet = merge(pod_views, remembered, NOW)

    sessions = (*fleet.active, *fleet.recent)
    assert all(duration_seconds(session, NOW) >= 0 for session in sessions)
    measured = [
        turn.e2e_milliseconds
        for session in sessions
        for turn in session.record.turns
        if turn.e2e_milliseconds is not None and as_utc(turn.at) > NOW - WINDOW
    ]
    if measured:
        assert fleet.performance.e2e is not None
        assert min(measured) - 1e-6 <= fleet.performance.e2e <= max(measured) + 1e-6
    else:
        assert fleet.performance.e2e is None


def test_a_pod_is_known_by_its_own_labels_and_not_by_what_it_says_of_itself() -> None:
    pod = PodRef("1", "default", "receptionist-a", "receptionist")

    session = merge([PodView(pod, status_of([record("s")]))], [], NOW).active[0]

    assert (session.pod.namespace, session.pod.agent) == ("default", "receptionist")


def test_a_session_that_its_pod_still_tells_of_is_taken_from_the_pod() -> None:
    pod = PodRef("1", "default", "p", "a")
    remembered = PastSession(pod, record("s"), NOW, "unknown")

    fleet = merge([PodView(pod, status_of([record("s")]))], [remembered], NOW)

    assert [session.outcome for session in fleet.active] == ["active"]
    assert fleet.recent == ()


def test_the_sessions_of_a_pod_that_does_not_answer_are_shown_as_they_last_were_and_marked() -> None:
    pod = PodRef("1", "default", "p", "a")

    fleet = merge([PodView(pod, status_of([record("s")]), NOW, error="slow")], [], NOW)

    assert [session.stale for session in fleet.active] == [True]


def test_the_same_id_on_two_pods_is_two_sessions() -> None:
    two = [PodView(PodRef(uid, "default", uid, "a"), status_of([record("s")])) for uid in "12"]

    assert len(merge(two, [], NOW).active) == 2


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"outcome": "crashed", "turns": [TurnRecord(at=NOW - timedelta(minutes=4))]}, 60.0),
        ({"outcome": "error"}, 0.0),
    ],
)
def test_a_session_that_failed_without_saying_when_ended_with_its_last_turn(
    fields: dict[str, object], expected: float
) -> None:
    fleet = merge([PodView(PodRef("1", "d", "p", "a"), status_of([record("s", **fields)]))], [], NOW)

    assert duration_seconds(fleet.recent[0], NOW) == expected


def test_the_latest_to_end_comes_first() -> None:
    sessions = [
        record(name, outcome="completed", ended_at=NOW - timedelta(minutes=minutes))
        for name, minutes in (("a", 3), ("b", 1), ("c", 2))
    ]

    fleet = merge([PodView(PodRef("1", "d", "p", "a"), status_of(sessions))], [], NOW)

    assert [session.record.id for session in fleet.recent] == ["b", "c", "a"]
