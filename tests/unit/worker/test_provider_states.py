"""What the pod knows of its providers: events in, a file and checks out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.worker_status import ProviderCheck
from voiceagent_worker.events import ProviderAvailability
from voiceagent_worker.provider_states import FRESH, ProviderStates, apply, merge, read_dead, with_stand_ins

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
KEY = "llm openai gpt-4o-mini"


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


def news(available: bool, key: str = KEY, session: str = "a") -> ProviderAvailability:
    return ProviderAvailability(
        session=session, kind="llm", provider="openai", key=key, available=available, message="" if available else "no."
    )


def check(ok: bool | None, at: datetime = NOON) -> ProviderCheck:
    return ProviderCheck(kind="llm", provider="openai", ok=ok, message="" if ok else "asked", checked_at=at)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def states(folder: Path, clock: Clock) -> tuple[ProviderStates, list[ProviderAvailability]]:
    changes: list[ProviderAvailability] = []
    return ProviderStates(folder / "dead.json", clock, changes.append), changes


def test_calls_to_come_read_who_is_dead_until_somebody_answers_again(tmp_path: Path, clock: Clock) -> None:
    made, changes = states(tmp_path, clock)
    made.handle(news(False))
    made.handle(news(False, session="b"))
    assert read_dead(made.path) == {KEY}
    made.handle(news(True, session="b"))
    assert read_dead(made.path) == frozenset()
    made.handle(news(True))
    assert [change.available for change in changes] == [False, True]


def test_a_failure_that_nobody_has_tried_since_is_forgotten(tmp_path: Path, clock: Clock) -> None:
    made, _ = states(tmp_path, clock)
    made.handle(news(False))
    clock.now = NOON + FRESH
    made.keep([KEY])
    assert read_dead(made.path) == frozenset() and made.told() == {}


def test_a_provider_that_is_configured_no_more_is_forgotten(tmp_path: Path, clock: Clock) -> None:
    made, _ = states(tmp_path, clock)
    made.handle(news(False))
    made.note(KEY, check(True))
    made.keep(["llm cohere command-a"])
    assert (read_dead(made.path), made.told()) == (frozenset(), {})


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"a": 1}', b"3"])
def test_a_call_starts_whatever_is_in_the_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "dead.json").write_bytes(content)
    assert read_dead(tmp_path / "dead.json") == frozenset()
    assert read_dead(tmp_path / "none") == frozenset()


def test_a_calls_failure_is_told_as_unknown_unless_the_provider_itself_said_no_or_answered_since() -> None:
    failures = apply({}, news(False), NOON)
    before, after = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)
    assert [merge({KEY: check(ok, at)}, failures, after)[KEY].ok for ok, at in ((True, before), (True, after))] == [
        None,
        True,
    ]
    assert merge({KEY: check(False, before)}, failures, after)[KEY].ok is False
    assert merge({}, failures, after)[KEY].message == "no."


def test_a_provider_is_replaceable_while_another_of_its_kind_is_not_refused() -> None:
    kinds: dict[str, ProviderKind] = {"llm a": "llm", "llm b": "llm", "tts a": "tts"}
    told = {key: check(False).model_copy(update={"kind": kind}) for key, kind in kinds.items()}
    assert [one.replaceable for one in with_stand_ins(told, kinds)] == [False, False, False]
    told["llm b"] = check(None)
    assert [one.replaceable for one in with_stand_ins(told, kinds)] == [True, False, False]
    del told["llm b"]
    assert [one.replaceable for one in with_stand_ins(told, kinds)] == [True, False]
