"""What the real plugins say, hear and answer by the real models."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, function_tool, llm, stt

SENTENCE = "Good morning, this is Blue Dental, how can I help you today?"
ONCE = APIConnectOptions(max_retry=0, timeout=60.0)


def word_error_rate(said: str, heard: str) -> float:
    reference, hypothesis = (re.sub(r"[^\w\s']", "", text).lower().split() for text in (said, heard))
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(hypothesis, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1] / len(reference)


# --- Language model ---------------------------------------------------------------------------------------------


async def test_the_openai_llm_plugin_streams_text_and_ends_with_its_usage(plugins: Any) -> None:
    text, usage, chunks = "", None, 0
    async for chunk in plugins.chat("Hello, who is there?"):
        text += (chunk.delta.content or "") if chunk.delta else ""
        chunks += bool(chunk.delta and chunk.delta.content)
        usage = chunk.usage or usage
    assert text.strip()
    assert chunks > 3
    assert usage is not None
    assert 0 < usage.completion_tokens <= 60
    assert usage.prompt_tokens > 10
    entry = plugins.server.call("GET", "/sandbox/journal?kind=llm&limit=1")["entries"][0]
    assert entry["text"] == text
    assert entry["messages"][-1]["content"] == "Hello, who is there?"
    assert 0 < entry["first_byte_seconds"] <= entry["total_seconds"]


@function_tool
async def book_appointment(day: str, name: str) -> str:
    """Book an appointment for the caller.

    Args:
        day: the day of the week
        name: the caller's name
    """
    return f"{name} is booked for {day}"


async def calls_of(stream: llm.LLMStream) -> list[llm.FunctionToolCall]:
    return [call async for chunk in stream if chunk.delta for call in chunk.delta.tool_calls]


async def test_a_tool_that_must_be_called_is_called_by_the_model_with_arguments_of_its_schema(
    plugins: Any,
) -> None:
    stream = plugins.chat(
        "Book me in for Tuesday please, my name is Anna.",
        tools=[book_appointment],
        tool_choice="required",
    )
    (call,) = await calls_of(stream)
    assert call.name == "book_appointment"
    assert set(json.loads(call.arguments)) == {"day", "name"}


async def test_a_tool_that_may_be_called_reaches_the_model(plugins: Any) -> None:
    plain = [chunk async for chunk in plugins.chat("Hello there.")]
    offered = [chunk async for chunk in plugins.chat("Hello there.", tools=[book_appointment])]
    prompt = [next(c.usage.prompt_tokens for c in chunks if c.usage) for chunks in (plain, offered)]
    assert prompt[1] > prompt[0] + 50


async def test_a_script_says_and_calls_what_it_was_told_and_ends_when_it_is_deleted(plugins: Any) -> None:
    plugins.server.call(
        "PUT",
        "/sandbox/script",
        {
            "replies": [
                {"match": "book", "tool_call": {"name": "book_appointment", "arguments": {"day": "Monday"}}},
                {"match": "open", "say": "We are open from nine to five."},
            ]
        },
    )
    (call,) = await calls_of(plugins.chat("Please book me in.", tools=[book_appointment]))
    assert (call.name, json.loads(call.arguments)) == ("book_appointment", {"day": "Monday"})
    said = [c.delta.content or "" async for c in plugins.chat("When are you open?") if c.delta]
    assert "".join(said) == "We are open from nine to five."
    plugins.server.call("DELETE", "/sandbox/script")
    said = [c.delta.content or "" async for c in plugins.chat("When are you open?") if c.delta]
    assert "".join(said) != "We are open from nine to five."


# --- Speech -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"model": "tts-1", "voice": "alloy"},
        {"model": "tts-1", "voice": "alloy", "response_format": "pcm"},
        {"model": "gpt-4o-mini-tts", "response_format": "wav"},
        {"model": "tts-1", "response_format": "wav", "speed": 1.2},
    ],
    ids=["defaults", "mp3", "pcm", "wav-events", "wav-faster"],
)
async def test_what_the_openai_tts_plugin_speaks_the_openai_stt_plugin_hears(
    plugins: Any, options: dict[str, Any]
) -> None:
    frame = await plugins.spoken(plugins.openai_tts(**options))
    assert 2.0 < frame.duration < 6.0
    heard = await plugins.openai_stt().recognize(frame, conn_options=ONCE)
    assert word_error_rate(SENTENCE, heard.alternatives[0].text) <= 0.2


async def test_the_newer_openai_models_are_served_too(plugins: Any) -> None:
    frame = await plugins.spoken(plugins.openai_tts())
    heard = await plugins.openai_stt(model="gpt-4o-mini-transcribe").recognize(frame, conn_options=ONCE)
    assert word_error_rate(SENTENCE, heard.alternatives[0].text) <= 0.2


async def test_what_the_deepgram_tts_plugin_streams_the_deepgram_stt_plugin_hears(plugins: Any) -> None:
    frame = await plugins.spoken_on_a_stream(plugins.deepgram_tts())
    events = await plugins.heard_on_a_stream(plugins.deepgram_stt(), frame, pace=1.0)
    kinds = [event.type for event in events]
    assert kinds.index(stt.SpeechEventType.START_OF_SPEECH) < kinds.index(stt.SpeechEventType.INTERIM_TRANSCRIPT)
    assert stt.SpeechEventType.END_OF_SPEECH in kinds
    finals = [e.alternatives[0] for e in events if e.type is stt.SpeechEventType.FINAL_TRANSCRIPT]
    assert word_error_rate(SENTENCE, " ".join(final.text for final in finals)) <= 0.2
    assert finals[0].words and 0 <= finals[0].start_time < finals[-1].end_time <= frame.duration + 0.5


async def test_two_sentences_on_a_stream_are_heard_as_two_utterances(plugins: Any) -> None:
    first, second = await asyncio.gather(
        plugins.spoken(plugins.openai_tts(response_format="pcm"), "I would like to come on Tuesday."),
        plugins.spoken(plugins.openai_tts(response_format="pcm"), "Is there anything in the morning?"),
    )
    silence = rtc.AudioFrame(bytes(24000 * 2), 24000, 1, 24000)
    events = await plugins.heard_on_a_stream(plugins.deepgram_stt(), rtc.combine_audio_frames([first, silence, second]))
    finals = [e.alternatives[0].text for e in events if e.type is stt.SpeechEventType.FINAL_TRANSCRIPT]
    assert len(finals) == 2
    assert word_error_rate("I would like to come on Tuesday.", finals[0]) <= 0.2
    assert word_error_rate("Is there anything in the morning?", finals[1]) <= 0.2
    assert sum(e.type is stt.SpeechEventType.END_OF_SPEECH for e in events) == 2


async def test_the_deepgram_plugins_work_on_a_text_and_a_recording_in_whole(plugins: Any) -> None:
    frame = await plugins.spoken(plugins.deepgram_tts())
    heard = await plugins.deepgram_stt().recognize(frame, conn_options=ONCE)
    assert word_error_rate(SENTENCE, heard.alternatives[0].text) <= 0.2


async def test_silence_is_heard_as_nothing(plugins: Any) -> None:
    silence = rtc.AudioFrame(bytes(16000 * 2 * 2), 16000, 1, 32000)
    heard = await plugins.openai_stt().recognize(silence, conn_options=ONCE)
    assert heard.alternatives[0].text == ""
    events = await plugins.heard_on_a_stream(plugins.deepgram_stt(), silence)
    assert not [event for event in events if event.alternatives]


async def test_one_connection_of_the_deepgram_tts_plugin_speaks_many_times(plugins: Any) -> None:
    voice = plugins.deepgram_tts()
    durations = [(await plugins.spoken_on_a_stream(voice, text)).duration for text in ("Hello there.", SENTENCE)]
    assert 0.4 < durations[0] < durations[1]
    await voice.aclose()
