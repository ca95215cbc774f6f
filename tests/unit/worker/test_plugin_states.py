"""A plugin that is broken in one call of a pod is left alone by the others, and by those to come."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from voiceagent_api.agent_config import PluginConfig
from voiceagent_worker.events import PluginAvailability, SentEvent
from voiceagent_worker.plugin_states import FRESH, PluginStates, read_broken
from voiceagent_worker.plugins.breaker import FAILURES
from voiceagent_worker.plugins.shared import SharedBreakers, plugin_key

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
PLUGIN = PluginConfig(name="crm", config={"password": "very-secret"})
KEY = plugin_key(PLUGIN)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


def news(available: bool) -> PluginAvailability:
    return PluginAvailability(session="a", plugin="crm", key=KEY, available=available)


def test_calls_to_come_read_what_is_broken_and_since_when(tmp_path: Path) -> None:
    clock = Clock()
    passed_on: list[PluginAvailability] = []
    states = PluginStates(tmp_path / "broken.json", clock, passed_on.append)
    assert read_broken(states.path, NOON) == {}
    states.handle(news(False))
    clock.now = NOON + timedelta(seconds=5)
    assert read_broken(states.path, clock.now) == {KEY: 5.0}
    states.handle(news(True))
    assert read_broken(states.path, clock.now) == {}
    assert [one.available for one in passed_on] == [False, True]


@pytest.mark.parametrize("now", [NOON + FRESH, NOON - timedelta(seconds=1)])
def test_what_nobody_found_again_is_forgotten_also_where_the_clock_is_set_back(tmp_path: Path, now: datetime) -> None:
    states = PluginStates(tmp_path / "broken.json", Clock(), lambda _: None)
    states.handle(news(False))
    assert read_broken(states.path, now) == {}


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": "x"}', '{"a": "2026-01-02T12:00:00"}'])
def test_a_spoilt_file_keeps_no_call_from_starting(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    assert read_broken(path, NOON) == {}


def test_the_key_tells_settings_apart_and_shows_none() -> None:
    assert "very-secret" not in KEY and KEY.startswith("crm ")
    assert plugin_key(PLUGIN.model_copy()) == KEY
    assert plugin_key(PluginConfig(name="crm")) != KEY


def test_a_call_tells_what_it_found_and_takes_in_what_others_found() -> None:
    sent: list[SentEvent] = []
    first = SharedBreakers("a", sent.append, {})
    breaker = first.make(PLUGIN, lambda: 0.0)
    for _ in range(FAILURES):
        assert breaker.allows()
        breaker.failed()
    assert sent == [PluginAvailability(session="a", plugin="crm", key=KEY, available=False)]
    second = SharedBreakers("b", sent.append, {})
    others = second.make(PLUGIN, lambda: 0.0)
    second.take_in(KEY, False)
    second.take_in("unknown", False)
    assert not others.allows()
    second.take_in(KEY, True)
    assert others.allows()


def test_a_call_that_starts_leaves_alone_what_was_broken_before_it() -> None:
    breaker = SharedBreakers("c", lambda _: None, {KEY: 1.0}).make(PLUGIN, lambda: 100.0)
    assert not breaker.allows()
    fail = PLUGIN.model_copy(update={"on_error": "Fail"})
    assert SharedBreakers("c", lambda _: None, {plugin_key(fail): 1.0}).make(fail, lambda: 100.0).allows()
