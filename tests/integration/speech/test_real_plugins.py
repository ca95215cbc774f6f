"""The real server with its real models, driven by the real livekit plugins.

The server runs as a program of its own. `SPEECH_PYTHON` names the interpreter that has its packages, where that is
not the one that runs the tests.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from livekit import rtc
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
    function_tool,
    llm,
    stt,
    tts,
)
from livekit.plugins import deepgram, openai

SOURCE = Path(__file__).parents[3] / "sandbox" / "speech" / "src"
SENTENCE = "Good morning, this is Blue Dental, how can I help you today?"
ONCE = APIConnectOptions(max_retry=0, timeout=60.0)


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            text = response.read()
        return json.loads(text) if text else None

    def wait_until_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.call("GET", "/readyz")
                return
            except OSError as error:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the server ended with {self.process.returncode}") from error
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)


def start_server(log: Path) -> Server:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "SPEECH_ALLOW_FAULTS": "1",
        "SPEECH_ALLOW_SCRIPT": "1",
    }
    command = [os.environ.get("SPEECH_PYTHON", sys.executable), "-m", "voiceagent_speech", "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
    return Server(port, process)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(tmp_path_factory.mktemp("speech") / "server.log")
    try:
        running.wait_until_ready(180)
        yield running
    finally:
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(10)


@pytest.fixture(autouse=True)
def healed(server: Server) -> Iterator[None]:
    yield
    for kind in ("llm", "stt", "tts"):
        server.call("DELETE", f"/sandbox/faults/{kind}")
    server.call("DELETE", "/sandbox/script")


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def openai_llm(server: Server, key: str = "sandbox") -> openai.LLM:
    return openai.LLM(model="gpt-4o-mini", base_url=f"{server.base}/v1", api_key=key)


def openai_tts(server: Server, key: str = "sandbox", **options: Any) -> openai.TTS:
    return openai.TTS(base_url=f"{server.base}/v1", api_key=key, **options)


def openai_stt(server: Server, key: str = "sandbox", model: str = "whisper-1") -> openai.STT:
    return openai.STT(base_url=f"{server.base}/v1", api_key=key, model=model)


def deepgram_tts(server: Server, http: aiohttp.ClientSession, key: str = "sandbox") -> deepgram.TTS:
    return deepgram.TTS(base_url=f"{server.base}/v1/speak", api_key=key, http_session=http)


def deepgram_stt(server: Server, http: aiohttp.ClientSession, key: str = "sandbox") -> deepgram.STT:
    return deepgram.STT(base_url=f"{server.base}/v1/listen", api_key=key, http_session=http)


def chat(server: Server, text: str, *, key: str = "sandbox", timeout: float = 60.0, **options: Any) -> llm.LLMStream:
    context = llm.ChatContext.empty()
    context.add_message(role="system", content="You answer the phone of Blue Dental, a dentist.")
    context.add_message(role="user", content=text)
    once = APIConnectOptions(max_retry=0, timeout=timeout)
    return openai_llm(server, key).chat(chat_ctx=context, conn_options=once, **options)


async def spoken(voice: tts.TTS[Any], text: str = SENTENCE) -> rtc.AudioFrame:
    return await voice.synthesize(text, conn_options=ONCE).collect()


async def spoken_on_a_stream(voice: deepgram.TTS, text: str = SENTENCE) -> rtc.AudioFrame:
    frames = []
    async with voice.stream(conn_options=ONCE) as stream:
        for word in text.split(" "):
            stream.push_text(f"{word} ")
        stream.end_input()
        async for audio in stream:
            frames.append(audio.frame)
    return rtc.combine_audio_frames(frames)


async def heard_on_a_stream(ear: deepgram.STT, frame: rtc.AudioFrame, *, pace: float = 0.5) -> list[stt.SpeechEvent]:
    """Push a frame in pieces of 20 ms, and half a second of silence after it."""
    resampler = rtc.AudioResampler(frame.sample_rate, 16000)
    samples = b"".join(bytes(f.data) for f in [*resampler.push(frame), *resampler.flush()])
    samples += bytes(2 * 16000)
    events: list[stt.SpeechEvent] = []
    async with ear.stream(conn_options=ONCE) as stream:

        async def push() -> None:
            for at in range(0, len(samples), 640):
                piece = samples[at : at + 640]
                stream.push_frame(rtc.AudioFrame(piece, 16000, 1, len(piece) // 2))
                await asyncio.sleep(0.02 * pace)
            stream.end_input()

        pushing = asyncio.create_task(push())
        try:
            async for event in stream:
                events.append(event)
        finally:
            pushing.cancel()
            await asyncio.gather(pushing, return_exceptions=True)
    return events


def word_error_rate(said: str, heard: str) -> float:
    reference, hypothesis = (re.sub(r"[^\w\s']", "", text).lower().split() for text in (said, heard))
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(hypothesis, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (word != other))
    return row[-1] / len(reference)


# --- Language model ---------------------------------------------------------------------------------------------


async def test_the_openai_llm_plugin_streams_text_and_ends_with_its_usage(server: Server) -> None:
    text, usage, chunks = "", None, 0
    async for chunk in chat(server, "Hello, who is there?"):
        text += (chunk.delta.content or "") if chunk.delta else ""
        chunks += bool(chunk.delta and chunk.delta.content)
        usage = chunk.usage or usage
    assert text.strip()
    assert chunks > 3
    assert usage is not None
    assert 0 < usage.completion_tokens <= 60
    assert usage.prompt_tokens > 10
    entry = server.call("GET", "/sandbox/journal?kind=llm&limit=1")["entries"][0]
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
    server: Server,
) -> None:
    stream = chat(
        server,
        "Book me in for Tuesday please, my name is Anna.",
        tools=[book_appointment],
        tool_choice="required",
    )
    (call,) = await calls_of(stream)
    assert call.name == "book_appointment"
    assert set(json.loads(call.arguments)) == {"day", "name"}


async def test_a_tool_that_may_be_called_reaches_the_model(server: Server) -> None:
    plain = [chunk async for chunk in chat(server, "Hello there.")]
    offered = [chunk async for chunk in chat(server, "Hello there.", tools=[book_appointment])]
    prompt = [next(c.usage.prompt_tokens for c in chunks if c.usage) for chunks in (plain, offered)]
    assert prompt[1] > prompt[0] + 50


async def test_a_script_says_and_calls_what_it_was_told_and_ends_when_it_is_deleted(server: Server) -> None:
    server.call(
        "PUT",
        "/sandbox/script",
        {
            "replies": [
                {"match": "book", "tool_call": {"name": "book_appointment", "arguments": {"day": "Monday"}}},
                {"match": "open", "say": "We are open from nine to five."},
            ]
        },
    )
    (call,) = await calls_of(chat(server, "Please book me in.", tools=[book_appointment]))
    assert (call.name, json.loads(call.arguments)) == ("book_appointment", {"day": "Monday"})
    said = [c.delta.content or "" async for c in chat(server, "When are you open?") if c.delta]
    assert "".join(said) == "We are open from nine to five."
    server.call("DELETE", "/sandbox/script")
    said = [c.delta.content or "" async for c in chat(server, "When are you open?") if c.delta]
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
    server: Server, options: dict[str, Any]
) -> None:
    frame = await spoken(openai_tts(server, **options))
    assert 2.0 < frame.duration < 6.0
    heard = await openai_stt(server).recognize(frame, conn_options=ONCE)
    assert word_error_rate(SENTENCE, heard.alternatives[0].text) <= 0.2


async def test_the_newer_openai_models_are_served_too(server: Server) -> None:
    frame = await spoken(openai_tts(server))
    heard = await openai_stt(server, model="gpt-4o-mini-transcribe").recognize(frame, conn_options=ONCE)
    assert word_error_rate(SENTENCE, heard.alternatives[0].text) <= 0.2


async def test_what_the_deepgram_tts_plugin_streams_the_deepgram_stt_plugin_hears(
    server: Server, http: aiohttp.ClientSession
) -> None:
    frame = await spoken_on_a_stream(deepgram_tts(server, http))
    events = await heard_on_a_stream(deepgram_stt(server, http), frame, pace=1.0)
    kinds = [event.type for event in events]
    assert kinds.index(stt.SpeechEventType.START_OF_SPEECH) < kinds.index(stt.SpeechEventType.INTERIM_TRANSCRIPT)
    assert stt.SpeechEventType.END_OF_SPEECH in kinds
    finals = [e.alternatives[0] for e in events if e.type is stt.SpeechEventType.FINAL_TRANSCRIPT]
    assert word_error_rate(SENTENCE, " ".join(final.text for final in finals)) <= 0.2
    assert finals[0].words and 0 <= finals[0].start_time < finals[-1].end_time <= frame.duration + 0.5


async def test_two_sentences_on_a_stream_are_heard_as_two_utterances(
    server: Server, http: aiohttp.ClientSession
) -> None:
    first, second = await asyncio.gather(
        spoken(openai_tts(server, response_format="pcm"), "I would like to come on Tuesday."),
        spoken(openai_tts(server, response_format="pcm"), "Is there anything in the morning?"),
    )
    silence = rtc.AudioFrame(bytes(24000 * 2), 24000, 1, 24000)
    events = await heard_on_a_stream(deepgram_stt(server, http), rtc.combine_audio_frames([first, silence, second]))
    finals = [e.alternatives[0].text for e in events if e.type is stt.SpeechEventType.FINAL_TRANSCRIPT]
    assert len(finals) == 2
    assert word_error_rate("I would like to come on Tuesday.", finals[0]) <= 0.2
    assert word_error_rate("Is there anything in the morning?", finals[1]) <= 0.2
    assert sum(e.type is stt.SpeechEventType.END_OF_SPEECH for e in events) == 2


async def test_the_deepgram_plugins_work_on_a_text_and_a_recording_in_whole(
    server: Server, http: aiohttp.ClientSession
) -> None:
    frame = await spoken(deepgram_tts(server, http))
    heard = await deepgram_stt(server, http).recognize(frame, conn_options=ONCE)
    assert word_error_rate(SENTENCE, heard.alternatives[0].text) <= 0.2


async def test_silence_is_heard_as_nothing(server: Server, http: aiohttp.ClientSession) -> None:
    silence = rtc.AudioFrame(bytes(16000 * 2 * 2), 16000, 1, 32000)
    heard = await openai_stt(server).recognize(silence, conn_options=ONCE)
    assert heard.alternatives[0].text == ""
    events = await heard_on_a_stream(deepgram_stt(server, http), silence)
    assert not [event for event in events if event.alternatives]


async def test_one_connection_of_the_deepgram_tts_plugin_speaks_many_times(
    server: Server, http: aiohttp.ClientSession
) -> None:
    voice = deepgram_tts(server, http)
    durations = [(await spoken_on_a_stream(voice, text)).duration for text in ("Hello there.", SENTENCE)]
    assert 0.4 < durations[0] < durations[1]
    await voice.aclose()


# --- Wrong keys and faults --------------------------------------------------------------------------------------


async def use(service: str, server: Server, http: aiohttp.ClientSession, *, key: str = "sandbox") -> Any:
    """One small use of a plugin, by the name that the tests below give it."""
    tone = rtc.AudioFrame(bytes(16000), 16000, 1, 8000)
    if service == "openai-llm":
        return [chunk async for chunk in chat(server, "Hello.", key=key)]
    if service == "openai-tts":
        return await spoken(openai_tts(server, key, model="tts-1"), "Hello.")
    if service == "openai-tts-events":
        return await spoken(openai_tts(server, key), "Hello.")
    if service == "openai-stt":
        return await openai_stt(server, key).recognize(tone, conn_options=ONCE)
    if service == "deepgram-tts":
        return await spoken(deepgram_tts(server, http, key), "Hello.")
    if service == "deepgram-tts-stream":
        return await spoken_on_a_stream(deepgram_tts(server, http, key), "Hello.")
    assert service == "deepgram-stt-stream"
    return await heard_on_a_stream(deepgram_stt(server, http, key), tone)


SERVICES = {
    "openai-llm": "llm",
    "openai-tts": "tts",
    "openai-tts-events": "tts",
    "openai-stt": "stt",
    "deepgram-tts": "tts",
    "deepgram-tts-stream": "tts",
    "deepgram-stt-stream": "stt",
}


@pytest.mark.parametrize("service", SERVICES)
async def test_an_invalid_key_is_refused_with_401(server: Server, http: aiohttp.ClientSession, service: str) -> None:
    with pytest.raises(APIStatusError) as refused:
        await use(service, server, http, key="invalid-key")
    assert refused.value.status_code == 401


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_status_fault_is_seen_as_that_status(
    server: Server, http: aiohttp.ClientSession, service: str, status: int
) -> None:
    server.call("PUT", f"/sandbox/faults/{SERVICES[service]}", {"kind": "status", "status": status})
    with pytest.raises(APIStatusError) as failed:
        await use(service, server, http)
    assert failed.value.status_code == status


@pytest.mark.parametrize("service", SERVICES)
async def test_a_cut_connection_is_seen_as_a_connection_error(
    server: Server, http: aiohttp.ClientSession, service: str
) -> None:
    server.call("PUT", f"/sandbox/faults/{SERVICES[service]}", {"kind": "drop"})
    with pytest.raises(APIConnectionError):
        await use(service, server, http)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_garbled_connection_is_seen_as_an_error(
    server: Server, http: aiohttp.ClientSession, service: str
) -> None:
    server.call("PUT", f"/sandbox/faults/{SERVICES[service]}", {"kind": "rubbish"})
    with pytest.raises(APIError):
        await use(service, server, http)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_fault_with_a_count_of_one_is_met_once(
    server: Server, http: aiohttp.ClientSession, service: str
) -> None:
    fault = {"kind": "status", "status": 500, "count": 1}
    server.call("PUT", f"/sandbox/faults/{SERVICES[service]}", fault)
    with pytest.raises(APIStatusError):
        await use(service, server, http)
    assert await use(service, server, http) is not None
    assert server.call("GET", "/sandbox/faults") == {}


@pytest.mark.parametrize("service", ["openai-llm", "openai-tts", "openai-stt", "deepgram-tts-stream"])
async def test_a_slow_service_takes_at_least_its_delay(
    server: Server, http: aiohttp.ClientSession, service: str
) -> None:
    fault = {"kind": "slow", "delay_seconds": 1.5, "count": 1}
    server.call("PUT", f"/sandbox/faults/{SERVICES[service]}", fault)
    began = time.monotonic()
    assert await use(service, server, http) is not None
    assert time.monotonic() - began >= 1.5


@pytest.mark.parametrize("after_bytes", [None, 700])
async def test_a_stalled_model_is_seen_as_a_timeout(server: Server, after_bytes: int | None) -> None:
    server.call("PUT", "/sandbox/faults/llm", {"kind": "stall", "after_bytes": after_bytes})
    with pytest.raises(APITimeoutError):
        async for _ in chat(server, "Hello.", timeout=1.5):
            pass


@pytest.mark.parametrize("kind", ["drop", "rubbish"])
async def test_a_model_that_fails_in_mid_answer_has_said_the_beginning(server: Server, kind: str) -> None:
    server.call("PUT", "/sandbox/script", {"replies": [{"match": None, "say": "one two three four five six seven"}]})
    server.call("PUT", "/sandbox/faults/llm", {"kind": kind, "after_bytes": 900})
    said = ""
    with pytest.raises(APIConnectionError):
        async for chunk in chat(server, "Count."):
            said += (chunk.delta.content or "") if chunk.delta else ""
    assert said.startswith("one two")
    assert "seven" not in said


async def test_a_voice_that_is_cut_in_mid_sentence_is_an_error(server: Server, http: aiohttp.ClientSession) -> None:
    server.call("PUT", "/sandbox/faults/tts", {"kind": "drop", "after_bytes": 40000})
    for voice in (openai_tts(server, model="tts-1", response_format="pcm"), deepgram_tts(server, http)):
        with pytest.raises(APIConnectionError):
            await spoken(voice)


async def test_a_stream_that_is_already_open_meets_a_fault_at_its_next_utterance(
    server: Server, http: aiohttp.ClientSession
) -> None:
    frame = await spoken(openai_tts(server, response_format="pcm"), "Is anybody there?")
    server.call("PUT", "/sandbox/faults/stt", {"kind": "slow", "delay_seconds": 0, "count": 1})
    hearing = asyncio.create_task(heard_on_a_stream(deepgram_stt(server, http), frame, pace=2.0))
    async with asyncio.timeout(10):
        while server.call("GET", "/sandbox/faults"):  # noqa: ASYNC110 - until it has met the harmless one
            await asyncio.sleep(0.02)
    server.call("PUT", "/sandbox/faults/stt", {"kind": "drop"})
    with pytest.raises((APIConnectionError, APIStatusError)):
        await hearing


# --- The program ------------------------------------------------------------------------------------------------


def test_the_server_ends_promptly_on_sigterm_with_its_children(tmp_path: Path) -> None:
    server = start_server(tmp_path / "server.log")
    server.wait_until_ready(180)
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    assert children
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 0
    assert time.monotonic() - began < 5
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_a_setting_that_cannot_be_used_ends_the_program_with_one_sentence() -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "SPEECH_THREADS": "many"}
    command = [os.environ.get("SPEECH_PYTHON", sys.executable), "-m", "voiceagent_speech"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.strip() == "SPEECH_THREADS is 'many'; give a whole number of at least 1."
