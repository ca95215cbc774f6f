"""What a call's plugins are told, and what becomes of what they report."""

import asyncio
from typing import Any

import pytest
from voiceagent_worker.events import PluginReported, PluginsRan, PluginsStarted, SentEvent, decode, encode
from voiceagent_worker.plugins import AgentPlugin, PluginContext
from voiceagent_worker.plugins.breaker import CircuitBreaker
from voiceagent_worker.plugins.call import (
    MAX_ATTRIBUTE_CHARACTERS,
    MAX_ATTRIBUTES,
    MAX_BACKGROUND_CHARACTERS,
    CallPlugins,
)
from voiceagent_worker.plugins.chain import Step
from voiceagent_worker.plugins.context import Conversation


class Talkative(AgentPlugin):
    """Does what the test asks for, with each context that it gets."""

    def __init__(self, does: Any = lambda context: None) -> None:
        self.does = does
        self.seen: list[PluginContext] = []

    async def on_session_start(self, context: PluginContext) -> None:
        self.seen.append(context)
        self.does(context)

    async def process_message(self, message: str, context: PluginContext) -> str:
        self.seen.append(context)
        return message

    async def on_session_end(self, context: PluginContext) -> None:
        self.seen.append(context)

    def get_name(self) -> str:
        return "talkative"

    def is_enabled(self) -> bool:
        return True


def call_of(*plugins: Talkative, language: str = "en") -> tuple[CallPlugins, list[SentEvent]]:
    told: list[SentEvent] = []
    steps = [Step(f"p{place}", one, 5, False, CircuitBreaker(lambda: 0.0)) for place, one in enumerate(plugins)]
    return CallPlugins(steps, Conversation("call", agent="default/a", language=language), told.append), told


async def test_a_plugin_knows_the_call_from_its_start_to_its_end() -> None:
    plugin = Talkative()
    call, told = call_of(plugin, language="fr")
    await call.start("ann", "room-1")
    await call.from_user("bonjour")
    call.turn_ended("item_1")
    await call.from_agent("Bonjour.")
    await call.end()
    await call.end()
    assert [(c.direction, c.turn) for c in plugin.seen] == [(None, 0), ("user", 0), ("agent", 1), (None, 1)]
    for context in plugin.seen:
        known = (context.session, context.room, context.agent, context.language, context.caller)
        assert known == ("call", "room-1", "default/a", "fr", "ann")
        assert context.state is plugin.seen[0].state
    assert call.has_seen("item_1") and not call.has_seen("item_2")
    assert isinstance(told[0], PluginsStarted) and told[0].plugins == ["p0"]
    occasions = [result.occasion for event in told if isinstance(event, PluginsRan) for result in event.results]
    assert occasions == ["session_start", "user", "agent", "session_end"]
    assert all(decode(encode(event)) == event for event in told)


async def test_background_is_bounded_for_all_plugins_together() -> None:
    call, _ = call_of(
        Talkative(lambda c: c.add_background("a" * 3000)), Talkative(lambda c: c.add_background("b" * 3000))
    )
    background = await call.start("ann")
    assert background.startswith("a" * 3000 + "\n\nb")
    assert len(background) == MAX_BACKGROUND_CHARACTERS
    call, _ = call_of(Talkative(lambda c: c.add_background("  ")))
    assert await call.start("ann") == ""


async def test_reports_bear_the_name_that_the_spec_gives_and_nonsense_is_dropped() -> None:
    def report(context: PluginContext) -> None:
        context.count("leads")
        context.observe("score", -0.5)
        context.count("leads", -1)
        context.observe("score", float("nan"))
        context.count("No Name!")

    call, told = call_of(Talkative(report))
    await call.start("ann")
    reports = [(e.plugin, e.name, e.value, e.counted) for e in told if isinstance(e, PluginReported)]
    assert reports == [("p0", "leads", 1, True), ("p0", "score", -0.5, False)]


async def test_attributes_reach_the_room_bounded() -> None:
    def show(context: PluginContext) -> None:
        context.set_attribute("Bad Key", "x")
        for number in range(MAX_ATTRIBUTES + 5):
            context.set_attribute(f"key{number}", "v" * 1000)

    call, _ = call_of(Talkative(show))
    await call.start("ann")
    shown: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    showing = asyncio.create_task(call.show(shown.put))
    async with asyncio.timeout(20):
        attributes = await shown.get()
    showing.cancel()
    assert len(attributes) == MAX_ATTRIBUTES
    assert attributes["voiceagents.dev/p0.key0"] == "v" * MAX_ATTRIBUTE_CHARACTERS


@pytest.mark.parametrize(("language", "word"), [("fr-CA", "Désolé"), ("en", "Sorry"), ("xx", "Sorry")])
def test_the_apology_is_in_the_agents_language(language: str, word: str) -> None:
    assert call_of(language=language)[0].apology.startswith(word)
