"""Plugins at the places where words enter and leave livekit-agents' pipeline."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from livekit.agents import FlushSentinel, stt
from livekit.agents.llm import ChatChunk, ChoiceDelta, CompletionUsage, FunctionToolCall
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType
from voiceagent_api.conversation import TurnDetection
from voiceagent_worker.conversation import turn_handling
from voiceagent_worker.plugins.breaker import CircuitBreaker
from voiceagent_worker.plugins.call import CallPlugins
from voiceagent_worker.plugins.chain import Step
from voiceagent_worker.plugins.context import Conversation
from voiceagent_worker.plugins.profanity_filter import ProfanityFilter
from voiceagent_worker.plugins.speech import WITHHELD, PluginAgent, processed_stream, processed_text


class Failing:
    """In the original's form."""

    async def process_message(self, message: str, context: dict[str, Any]) -> str:
        if "fail" in message:
            raise ValueError(message)
        return message

    def get_name(self) -> str:
        return "failing"

    def is_enabled(self) -> bool:
        return True


def plugins_of(*plugins: Any, must_succeed: bool = False) -> CallPlugins:
    clock = lambda: 0.0  # noqa: E731
    steps = [Step(plugin.get_name(), plugin, 5, must_succeed, CircuitBreaker(clock)) for plugin in plugins]
    return CallPlugins(steps, Conversation("call"), lambda event: None)


def heard(kind: SpeechEventType, text: str, *others: str) -> SpeechEvent:
    alternatives = [SpeechData(language="en", text=one, confidence=0.9) for one in (text, *others)]  # type: ignore[arg-type]
    return SpeechEvent(type=kind, request_id="r", alternatives=alternatives)


def agent_of(plugins: CallPlugins) -> PluginAgent:
    return PluginAgent(instructions="You answer the phone.", plugins=plugins)


async def test_what_was_said_and_what_is_being_said_are_processed_and_no_other_reading_stays() -> None:
    agent = agent_of(plugins_of(ProfanityFilter()))
    for kind in (
        SpeechEventType.FINAL_TRANSCRIPT,
        SpeechEventType.INTERIM_TRANSCRIPT,
        SpeechEventType.PREFLIGHT_TRANSCRIPT,
    ):
        event = await agent._heard(heard(kind, "oh shit", "oh shit!"))
        assert [one.text for one in event.alternatives] == ["oh ****"]
        assert (event.request_id, event.alternatives[0].confidence) == ("r", 0.9)


async def test_words_that_are_being_said_are_held_back_for_a_plugin_that_cannot_tell_yet() -> None:
    agent = agent_of(plugins_of(Failing()))
    assert (await agent._heard(heard(SpeechEventType.INTERIM_TRANSCRIPT, "my card"))).alternatives[0].text == ""
    assert (await agent._heard(heard(SpeechEventType.FINAL_TRANSCRIPT, "my card"))).alternatives[0].text == "my card"


async def test_words_that_a_plugin_must_process_and_cannot_go_nowhere() -> None:
    agent = agent_of(plugins_of(Failing(), must_succeed=True))
    assert (await agent._heard(heard(SpeechEventType.FINAL_TRANSCRIPT, "fail 42"))).alternatives[0].text == WITHHELD


@pytest.mark.parametrize("kind", [SpeechEventType.START_OF_SPEECH, SpeechEventType.END_OF_SPEECH])
async def test_other_events_pass_as_they_are(kind: SpeechEventType) -> None:
    event = stt.SpeechEvent(type=kind)
    assert await agent_of(plugins_of(Failing()))._heard(event) is event


def text(content: str) -> ChatChunk:
    return ChatChunk(id="c", delta=ChoiceDelta(role="assistant", content=content))


async def stream(*chunks: Any) -> AsyncIterator[Any]:
    for chunk in chunks:
        yield chunk


async def processed(plugins: CallPlugins, *chunks: Any) -> list[Any]:
    return [chunk async for chunk in processed_stream(stream(*chunks), plugins)]


async def test_tool_calls_usage_and_breaks_pass_untouched_and_in_their_place() -> None:
    call = FunctionToolCall(name="book", arguments='{"day": "shitday"}', call_id="1")
    tool = ChatChunk(id="c", delta=ChoiceDelta(tool_calls=[call]))
    usage = ChatChunk(id="c", usage=CompletionUsage(completion_tokens=1, prompt_tokens=1, total_tokens=2))
    flush = FlushSentinel()
    got = await processed(
        plugins_of(ProfanityFilter()), text("Oh "), text("shit, one"), flush, text("Wait"), tool, usage
    )
    assert got == ["Oh ****, one", flush, "Wait", tool, usage]


async def test_text_that_comes_with_something_else_is_parted_from_it() -> None:
    both = ChatChunk(id="c", delta=ChoiceDelta(content="Oh shit. ", extra={"signature": "x"}))
    got = await processed(plugins_of(ProfanityFilter()), both)
    assert got[0] == "Oh ****. "
    assert (got[1].delta.content, got[1].delta.extra) == (None, {"signature": "x"})
    assert both.delta is not None and both.delta.content == "Oh shit. "


async def test_an_answer_of_which_a_sentence_must_not_be_said_ends_in_an_apology() -> None:
    plugins = plugins_of(Failing(), must_succeed=True)
    got = await processed(plugins, text("This is fine. This will fail. And "), text("this is not said. Never."))
    assert got == ["This is fine. ", plugins.apology]
    assert [piece async for piece in processed_text("fail", plugins)] == [plugins.apology]


async def test_space_between_sentences_stays_and_an_emptied_sentence_goes_with_its_own() -> None:
    assert await processed(plugins_of(Failing()), "One.\n\n", "Two. ", "Three.") == ["One.\n\n", "Two. ", "Three."]
    got = await processed(plugins_of(ProfanityFilter(mask="remove")), "One. Shit Two. Three.")
    assert got == ["One. ", "Two. ", "Three."]


def test_no_answer_is_begun_on_words_that_a_plugin_may_still_change() -> None:
    assert turn_handling(TurnDetection(), preemptive=False)["preemptive_generation"] == {"enabled": False}
    assert "preemptive_generation" not in turn_handling(TurnDetection())
