"""Messages through plugins: in order, in time, and never a broken call."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_worker.plugins import AgentPlugin, PluginContext
from voiceagent_worker.plugins.breaker import CircuitBreaker
from voiceagent_worker.plugins.chain import PluginCall, PluginChain, Step
from voiceagent_worker.plugins.context import Conversation

Behaviour = Literal["appends", "keeps", "raises", "hangs", "returns none", "exits", "cancels itself", "is off"]
FAILING = ("raises", "hangs", "returns none", "exits", "cancels itself")


class Behaving:
    """A plugin in the original's form: it inherits from nothing of ours."""

    def __init__(self, name: str, behaviour: str) -> None:
        self.name = name
        self.behaviour = behaviour
        self.asked = 0

    async def process_message(self, message: str, context: dict[str, Any]) -> Any:
        self.asked += 1
        match self.behaviour:
            case "raises":
                raise ValueError(message)
            case "hangs":
                await asyncio.sleep(3600)
            case "returns none":
                return None
            case "exits":
                sys.exit(3)
            case "cancels itself":
                raise asyncio.CancelledError
            case "appends":
                return f"{message}{self.name}"
        return message

    def get_name(self) -> str:
        return self.name

    def is_enabled(self) -> bool:
        return self.behaviour != "is off"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def chain_of(
    *plugins: Any, must_succeed: Sequence[bool] = (), timeout_seconds: float = 0.02, clock: Clock | None = None
) -> tuple[PluginChain, list[PluginCall]]:
    recorded: list[PluginCall] = []
    clock = clock or Clock()
    steps = [
        Step(
            plugin.get_name(),
            plugin,
            timeout_seconds,
            bool(must_succeed[place]) if must_succeed else False,
            CircuitBreaker(clock),
        )
        for place, plugin in enumerate(plugins)
    ]
    return PluginChain(steps, recorded.extend, clock), recorded


class Nobody:
    """Takes reports."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def count(self, plugin: str, name: str, amount: float) -> None:
        self.told.append(("count", plugin, name, amount))

    def observe(self, plugin: str, name: str, value: float) -> None:
        self.told.append(("observe", plugin, name, value))

    def set_attribute(self, plugin: str, key: str, value: str) -> None:
        self.told.append(("attribute", plugin, key, value))

    def add_background(self, plugin: str, text: str) -> None:
        self.told.append(("background", plugin, text))


def a_context(direction: Any = "user", **fields: Any) -> PluginContext:
    return PluginContext.of(Conversation("call", **fields), direction, Nobody())


BEHAVIOURS = st.sampled_from(["appends", "keeps", "raises", "returns none", "exits", "cancels itself", "is off"])


@given(st.lists(st.tuples(BEHAVIOURS, st.booleans()), max_size=6), st.text(max_size=30))
def test_whatever_plugins_do_the_chain_gives_what_their_order_and_policies_say(
    wanted: list[tuple[str, bool]], message: str
) -> None:
    plugins = [Behaving(str(place), behaviour) for place, (behaviour, _) in enumerate(wanted)]
    chain, recorded = chain_of(*plugins, must_succeed=[must for _, must in wanted])

    processed = asyncio.run(chain.run("user", message, a_context()))

    expected, failed = message, None
    for plugin, (behaviour, must) in zip(plugins, wanted, strict=True):
        if behaviour == "appends":
            expected += plugin.name
        if behaviour in FAILING and must:
            failed = plugin.name
            break
    assert processed.failed == failed
    assert processed.text == ("" if failed is not None else expected)
    reached = [plugin for plugin in plugins if plugin.asked]
    assert [call.plugin for call in recorded] == [plugin.name for plugin in reached]
    for call, plugin in zip(recorded, reached, strict=True):
        assert call.outcome == ("error" if plugin.behaviour in FAILING else "ok")
        assert call.changed == (plugin.behaviour == "appends")


async def test_a_plugin_that_hangs_is_left_behind_and_told() -> None:
    chain, recorded = chain_of(Behaving("a", "hangs"), Behaving("b", "appends"))
    assert (await chain.run("user", "hello", a_context())).text == "hellob"
    assert [(call.plugin, call.outcome) for call in recorded] == [("a", "timeout"), ("b", "ok")]


async def test_a_plugin_that_ignores_its_cancellation_holds_nobody_up() -> None:
    released = asyncio.Event()

    class Stubborn(Behaving):
        async def process_message(self, message: str, context: dict[str, Any]) -> str:
            while not released.is_set():
                try:
                    await released.wait()
                except asyncio.CancelledError:
                    continue
            return "too late"

    chain, recorded = chain_of(Stubborn("a", ""), Behaving("b", "appends"))
    assert (await chain.run("user", "hello", a_context())).text == "hellob"
    assert recorded[0].outcome == "timeout"
    released.set()


async def test_what_comes_too_late_is_not_taken_even_of_a_plugin_that_never_gave_way() -> None:
    clock = Clock()

    class Slow(Behaving):
        async def process_message(self, message: str, context: dict[str, Any]) -> str:
            clock.now += 5
            return "late"

    chain, recorded = chain_of(Slow("a", ""), clock=clock)
    assert (await chain.run("user", "hello", a_context())).text == "hello"
    assert (recorded[0].outcome, recorded[0].seconds) == ("timeout", 5)


async def test_a_plugin_that_keeps_failing_is_left_alone_and_tried_again_later() -> None:
    clock, plugin = Clock(), Behaving("a", "raises")
    chain, recorded = chain_of(plugin, clock=clock)
    for _ in range(7):
        await chain.run("user", "hello", a_context())
    assert [call.outcome for call in recorded] == ["error"] * 5 + ["open"] * 2
    assert plugin.asked == 5
    clock.now += 31
    await chain.run("user", "hello", a_context())
    await chain.run("user", "hello", a_context())
    assert [call.outcome for call in recorded[7:]] == ["error", "open"]
    clock.now += 31
    plugin.behaviour = "appends"
    assert [(await chain.run("user", "hello", a_context())).text for _ in range(2)] == ["helloa"] * 2


async def test_with_fail_no_message_goes_on_while_the_plugin_is_left_alone() -> None:
    chain, _ = chain_of(Behaving("a", "raises"), must_succeed=[True])
    for _ in range(7):
        processed = await chain.run("user", "secret", a_context())
        assert (processed.failed, processed.text) == ("a", "")


async def test_a_call_that_is_broken_off_breaks_off_its_plugin_and_blames_it_not() -> None:
    chain, recorded = chain_of(Behaving("a", "hangs"), timeout_seconds=60)
    running = asyncio.create_task(chain.run("user", "hello", a_context()))
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert recorded == []


async def test_the_log_says_which_plugin_and_where_but_not_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    chain, _ = chain_of(Behaving("crm", "raises"))
    await chain.run("user", "my number is 1234", a_context())
    assert "Plugin crm failed (user)" in caplog.text
    assert "ValueError" in caplog.text and "test_plugin_chain.py" in caplog.text
    assert "1234" not in caplog.text


async def test_plugins_see_whose_words_and_what_those_before_them_left() -> None:
    class First(AgentPlugin):
        async def process_message(self, message: str, context: PluginContext) -> str:
            context["mood"] = "good"
            context.state["seen"] = context.state.get("seen", 0) + 1
            context.count("messages")
            return message

        def get_name(self) -> str:
            return "first"

        def is_enabled(self) -> bool:
            return True

    class Second(Behaving):
        async def process_message(self, message: str, context: dict[str, Any]) -> str:
            told = (context["direction"], context.get("language"), context["state"]["seen"], context["mood"])
            return f"{message} {told}"

    chain, _ = chain_of(First(), Second("second", ""))
    context = a_context("agent", language="fr")
    assert (await chain.run("agent", "bonjour", context)).text == "bonjour ('agent', 'fr', 1, 'good')"
    assert context._reporter.told == [("count", "first", "messages", 1)]  # type: ignore[union-attr]


async def test_start_and_end_reach_all_plugins_and_a_bad_one_stops_no_other() -> None:
    events: list[str] = []

    class Hooked(Behaving):
        async def on_session_start(self, context: PluginContext) -> None:
            if self.behaviour == "raises":
                raise RuntimeError
            if self.behaviour == "hangs":
                await asyncio.sleep(3600)
            events.append(f"start {self.name}")

        async def on_session_end(self, context: PluginContext) -> None:
            events.append(f"end {self.name}")

    chain, recorded = chain_of(
        Hooked("a", "raises"),
        Behaving("original", "keeps"),
        Hooked("b", "hangs"),
        Hooked("c", ""),
        Hooked("d", "is off"),
    )
    await chain.start(lambda: a_context(None), 0.05)
    await chain.end(lambda: a_context(None), 0.05)
    assert events == ["start c", "end a", "end b", "end c"]
    assert {(call.plugin, call.occasion): call.outcome for call in recorded} == {
        ("a", "session_start"): "error",
        ("b", "session_start"): "timeout",
        ("c", "session_start"): "ok",
        ("a", "session_end"): "ok",
        ("b", "session_end"): "ok",
        ("c", "session_end"): "ok",
    }


def test_live_words_are_held_back_where_a_plugin_may_yet_change_them() -> None:
    class Live(Behaving):
        def filter_live(self, text: str) -> str:
            return text.upper()

    class Observer(Behaving):
        changes_text = False

    assert chain_of(Live("a", ""), Observer("b", ""))[0].live("hel") == "HEL"
    assert chain_of(Live("a", ""), Behaving("original", ""))[0].live("hel") == ""
    assert chain_of(Behaving("original", "is off"))[0].live("hel") == "hel"


class TestCircuitBreaker:
    def test_only_one_call_tries_while_half_open(self) -> None:
        clock = Clock()
        breaker = CircuitBreaker(clock, failures=2, open_seconds=10)
        for _ in range(2):
            assert breaker.allows()
            breaker.failed()
        assert not breaker.allows()
        clock.now = 10
        assert breaker.allows() and not breaker.allows()
        breaker.gave_up()
        assert breaker.allows()
        breaker.succeeded()
        assert breaker.allows() and not breaker.is_open

    @given(st.lists(st.sampled_from(["ok", "bad", "wait"]), max_size=60))
    def test_it_opens_only_after_failures_in_a_row_and_always_lets_one_through_again(self, moves: list[str]) -> None:
        clock = Clock()
        breaker = CircuitBreaker(clock, failures=3, open_seconds=10)
        row = 0
        for move in moves:
            if move == "wait":
                clock.now += 10
                continue
            allowed = breaker.allows()
            assert allowed or row >= 3
            if allowed:
                row = row + 1 if move == "bad" else 0
                (breaker.failed if move == "bad" else breaker.succeeded)()
        clock.now += 10
        assert breaker.allows()

    def test_what_another_call_found_opens_it_for_the_rest_of_the_time(self) -> None:
        clock = Clock()
        clock.now = 100
        told: list[bool] = []
        breaker = CircuitBreaker(clock, open_seconds=10, tell=told.append)
        breaker.heard(False, seconds_ago=4)
        assert not breaker.allows()
        clock.now = 106
        assert breaker.allows() and not breaker.allows()
        breaker.failed()
        assert told == [False] and not breaker.allows()
        breaker.heard(True)
        assert breaker.allows()
        breaker.succeeded()
        assert told == [False]

    def test_where_its_own_last_call_went_well_what_another_found_is_a_warning(self) -> None:
        breaker = CircuitBreaker(Clock())
        breaker.succeeded()
        breaker.heard(False)
        assert breaker.allows()
        breaker.failed()
        assert not breaker.allows()

    def test_one_that_must_succeed_believes_only_itself(self) -> None:
        breaker = CircuitBreaker(Clock(), credulous=False)
        breaker.heard(False)
        assert breaker.allows()
        breaker.failed()
        assert not breaker.allows()

    def test_it_tells_once_that_it_opened_and_once_that_it_closed(self) -> None:
        clock = Clock()
        told: list[bool] = []
        breaker = CircuitBreaker(clock, failures=2, open_seconds=10, tell=told.append)
        for _ in range(4):  # under way together
            breaker.failed()
        assert told == [False]
        clock.now = 10
        assert breaker.allows()
        breaker.succeeded()
        breaker.succeeded()
        assert told == [False, True]
