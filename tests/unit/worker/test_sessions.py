"""The fold of events into the pod's calls."""

from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st
from voiceagent_api.worker_status import SessionRecord, TurnRecord
from voiceagent_worker.events import (
    Event,
    LineSaid,
    ProviderFailed,
    SessionEnded,
    SessionLost,
    SessionStarted,
    TurnCompleted,
    UsageReported,
    WordsSaid,
)
from voiceagent_worker.sessions import (
    KEEP_ENDED,
    MAX_ENDED,
    MAX_TURNS,
    SessionRegistry,
    Sessions,
    active_count,
    apply,
    prune,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def started(session: str = "a", at: datetime = NOON) -> SessionStarted:
    return SessionStarted(session=session, room=f"room-{session}", at=at, config_revision="r1")


def ended(session: str = "a", at: datetime = NOON + timedelta(minutes=1)) -> SessionEnded:
    return SessionEnded(session=session, at=at, outcome="completed")


def test_words_are_counted_by_side_and_what_was_said_is_no_part_of_a_record() -> None:
    said = LineSaid(session="a", who="caller", text="the cat is purple", language="en", at=NOON)
    many = (WordsSaid(session="a", who=who, words=words, at=NOON) for who, words in (("caller", 4), ("agent", 9)))
    record = fold(started(), *many, said, WordsSaid(session="a", who="caller", words=1, at=NOON))["a"]
    assert (record.caller_words, record.agent_words, record.last_said_at) == (5, 9, NOON)
    assert "purple" not in record.model_dump_json()


def fold(*events: Event) -> Sessions:
    empty: Sessions = {}
    return reduce(apply, events, empty)


IDS = st.sampled_from(["a", "b", "c"])
TIMES = st.integers(-7200, 7200).map(lambda seconds: NOON + timedelta(seconds=seconds))
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(SessionStarted, session=IDS, room=st.text(max_size=5), at=TIMES, config_revision=st.just("r1")),
    st.builds(TurnCompleted, session=IDS, turn=st.builds(TurnRecord, at=TIMES, e2e_milliseconds=st.floats(0, 1e4))),
    st.builds(
        UsageReported,
        session=IDS,
        llm_prompt_tokens=st.integers(0, 1000),
        tts_characters=st.integers(0, 1000),
        stt_audio_seconds=st.floats(0, 1000),
    ),
    st.builds(ProviderFailed, session=IDS, kind=st.sampled_from(["stt", "llm", "tts"]), provider=st.just("openai")),
    st.builds(SessionEnded, session=IDS, at=TIMES, outcome=st.sampled_from(["completed", "user_left", "error"])),
    st.builds(SessionLost, session=IDS, at=TIMES),
)


@given(st.lists(EVENTS, max_size=40))
def test_any_order_of_events_leaves_a_sound_state(events: list[Event]) -> None:
    sessions = fold(*events)
    for key, record in sessions.items():
        assert record.id == key
        assert (record.outcome == "active") == (record.ended_at is None)
        assert record.ended_at is None or record.ended_at >= record.started_at
        assert len(record.turns) <= MAX_TURNS
    assert set(sessions) == {event.session for event in events if isinstance(event, SessionStarted)}
    assert active_count(sessions) == sum(record.outcome == "active" for record in sessions.values())


@given(st.lists(EVENTS, max_size=40))
def test_usage_never_shrinks_and_an_ended_call_never_changes(events: list[Event]) -> None:
    sessions: Sessions = {}
    for event in events:
        before = sessions.get(event.session)
        sessions = apply(sessions, event)
        after = sessions.get(event.session)
        if before is not None and after is not None:
            assert after.llm_prompt_tokens >= before.llm_prompt_tokens
            assert after.stt_audio_seconds >= before.stt_audio_seconds
            assert len(after.turns) >= len(before.turns)
            assert before.ended_at is None or after == before


@given(st.lists(EVENTS, max_size=40))
def test_events_of_one_call_leave_the_others_as_they_were(events: list[Event]) -> None:
    for name in "abc":
        alone = fold(*(event for event in events if event.session == name))
        assert fold(*events).get(name) == alone.get(name)


@given(st.lists(EVENTS, max_size=40), TIMES)
def test_pruning_twice_is_pruning_once_and_keeps_every_active_call(events: list[Event], now: datetime) -> None:
    sessions = fold(*events)
    once = prune(sessions, now)
    assert prune(once, now) == once
    assert active_count(once) == active_count(sessions)


def test_call_that_ends_in_order_keeps_its_turns_usage_and_result() -> None:
    turn = TurnRecord(at=NOON, e2e_milliseconds=900.0)
    sessions = fold(
        started(),
        TurnCompleted(session="a", turn=turn),
        UsageReported(session="a", llm_prompt_tokens=10, llm_completion_tokens=5, tts_characters=20),
        UsageReported(session="a", llm_prompt_tokens=30, llm_completion_tokens=9, tts_characters=44),
        ended(),
    )
    record = sessions["a"]
    assert record.turns == [turn]
    assert (record.llm_prompt_tokens, record.llm_completion_tokens, record.tts_characters) == (30, 9, 44)
    assert (record.outcome, record.ended_at, record.error) == ("completed", NOON + timedelta(minutes=1), None)


def test_call_whose_process_vanished_is_crashed_and_says_so() -> None:
    record = fold(started(), SessionLost(session="a", at=NOON + timedelta(seconds=5)))["a"]
    assert record.outcome == "crashed"
    assert record.error is not None and "killed" in record.error


def test_process_that_vanishes_after_the_end_of_its_call_changes_nothing() -> None:
    sessions = fold(started(), ended())
    assert apply(sessions, SessionLost(session="a", at=NOON + timedelta(hours=1))) is sessions


def test_only_the_newest_turns_of_a_long_call_are_kept() -> None:
    turns = [TurnRecord(at=NOON + timedelta(seconds=n)) for n in range(MAX_TURNS + 5)]
    record = fold(started(), *(TurnCompleted(session="a", turn=turn) for turn in turns))["a"]
    assert record.turns == turns[5:]


def test_ended_call_is_forgotten_after_an_hour_and_an_active_one_is_not() -> None:
    sessions = fold(started("a"), started("b"), ended("a", NOON))
    assert set(prune(sessions, NOON + KEEP_ENDED - timedelta(seconds=1))) == {"a", "b"}
    assert set(prune(sessions, NOON + KEEP_ENDED)) == {"b"}


def test_number_of_ended_calls_is_bounded_and_the_newest_stay() -> None:
    sessions = {
        str(n): SessionRecord(
            id=str(n),
            room="r",
            started_at=NOON,
            ended_at=NOON + timedelta(milliseconds=n),
            config_revision="r1",
            outcome="completed",
        )
        for n in range(MAX_ENDED + 3)
    }
    kept = prune(sessions, NOON + timedelta(minutes=1))
    assert len(kept) == MAX_ENDED
    assert not {"0", "1", "2"} & set(kept)


def test_registry_hands_each_change_on_and_lists_calls_oldest_first() -> None:
    changes: list[tuple[Event, SessionRecord | None, SessionRecord | None]] = []
    registry = SessionRegistry(clock=lambda: NOON, on_change=lambda *change: changes.append(change))
    registry.handle(started("b", NOON + timedelta(seconds=1)))
    registry.handle(started("a", NOON))
    assert [record.id for record in registry.records()] == ["a", "b"]
    assert registry.active == 2
    assert [(before is None, after is None) for _, before, after in changes] == [(True, False), (True, False)]


def test_call_that_used_too_much_memory_says_so_and_what_to_do() -> None:
    record = fold(started(), SessionLost(session="a", at=NOON, memory_exceeded=True))["a"]
    assert record.outcome == "memory_exceeded"
    assert record.error is not None and "sessions.memoryLimit" in record.error
