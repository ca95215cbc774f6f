"""Each provider against a server that speaks its wire protocol, and then speaks it badly."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, APIStatusError, llm, utils
from livekit.agents.stt import SpeechEventType
from provider_wire import RETRY_AFTER_SECONDS, SAID, SOUND, TOOL_ARGUMENTS, Fault, Wire, provider_wire
from voiceagent_api.agent_config import ProviderConfig
from voiceagent_api.catalogue import ProviderKind
from voiceagent_worker.providers import find_factory
from voiceagent_worker.providers.failures import failure_sentence, retry_after_seconds
from voiceagent_worker.providers.keys import ProviderCredentials

KEY = "sk-of-the-test"
OPTIONS = APIConnectOptions(max_retry=0, timeout=1.0)
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Row:
    """A provider, and where its root is on the wire."""

    kind: ProviderKind
    name: str
    root: str = "/v1"
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}"


@dataclass(frozen=True)
class Answer:
    """What came of a request."""

    text: str = ""
    sound: float = 0.0
    """In seconds."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    usage: tuple[int, int] | None = None
    failure: "Failure | None" = None


@dataclass(frozen=True)
class Failure:
    """What was told of a failure as it happened: what an error came from is forgotten as it is raised again."""

    error: Exception
    sentence: str
    retry_after: float | None


ROWS = [
    Row("llm", "openai"),
    Row("llm", "openai_compatible"),
    Row("llm", "azure", ""),
    Row("llm", "anthropic", ""),
    Row("llm", "cohere", ""),
    Row("llm", "google", ""),
    Row("stt", "openai"),
    Row("stt", "deepgram"),
    Row("tts", "openai"),
    Row("tts", "deepgram"),
    Row("tts", "elevenlabs", options={"encoding": "pcm_24000"}),
    Row("tts", "cartesia", ""),
    Row("tts", "azure", "/cognitiveservices/v1"),
]


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with provider_wire() as server:
        yield server


def config_of(row: Row, wire: Wire) -> ProviderConfig:
    return ProviderConfig(provider=row.name, model="model-x", base_url=wire.url + row.root, options=row.options)


async def answer(row: Row, wire: Wire, tools: list[Any] | None = None) -> Answer:
    """What the provider gives, by its kind, or what it told of failing before it raised that."""
    utils.http_context._new_session_ctx()
    model: Any = find_factory(row.kind, row.name)(config_of(row, wire), "en", ProviderCredentials(KEY))
    failures: list[Failure] = []

    def on_error(event: Any) -> None:
        sentence = failure_sentence(row.kind, config_of(row, wire), event.error)
        failures.append(Failure(event.error, sentence, retry_after_seconds(event.error)))

    model.on("error", on_error)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            match row.kind:
                case "llm":
                    return await think(model, tools or [])
                case "stt":
                    return await listen(model)
                case _:
                    return await speak(model)
    except APIError:
        return Answer(failure=failures[-1])
    finally:
        await model.aclose()
        await utils.http_context._close_http_ctx()


async def think(model: Any, tools: list[Any]) -> Answer:
    context = llm.ChatContext.empty()
    context.add_message(role="system", content="You answer the phone.")
    context.add_message(role="user", content="Hello?")
    text, calls, usage = "", [], None
    async with model.chat(chat_ctx=context, tools=tools, conn_options=OPTIONS) as stream:
        async for chunk in stream:
            if chunk.delta:
                text += chunk.delta.content or ""
                calls += [(call.name, call.arguments) for call in chunk.delta.tool_calls]
            usage = chunk.usage or usage
    return Answer(text, calls=calls, usage=usage and (usage.prompt_tokens, usage.completion_tokens))


async def listen(model: Any) -> Answer:
    frame = rtc.AudioFrame(b"\0" * 3200, 16000, 1, 1600)
    if not model.capabilities.streaming:
        event = await model.recognize([frame], conn_options=OPTIONS)
        return Answer(event.alternatives[0].text)
    async with model.stream(conn_options=OPTIONS) as stream:

        async def talk() -> None:
            while True:
                stream.push_frame(frame)
                await asyncio.sleep(0.02)

        talking = asyncio.create_task(talk())
        try:
            async for event in stream:
                if event.type is SpeechEventType.FINAL_TRANSCRIPT:
                    return Answer(event.alternatives[0].text)
        finally:
            talking.cancel()
    return Answer()


async def speak(model: Any) -> Answer:
    sound = 0.0
    if model.capabilities.streaming:
        async with model.stream(conn_options=OPTIONS) as stream:
            stream.push_text(SAID)
            stream.end_input()
            async for piece in stream:
                sound += piece.frame.duration
    else:
        async with model.synthesize(SAID, conn_options=OPTIONS) as whole:
            async for piece in whole:
                sound += piece.frame.duration
    return Answer(sound=sound)


def good(row: Row) -> Answer:
    match row.kind:
        case "llm":
            return Answer(SAID, usage=(11, 4))
        case "stt":
            return Answer(SAID)
        case _:
            return Answer(sound=pytest.approx(len(SOUND) / 48000))  # type: ignore[arg-type]


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_good_answer_is_understood_and_the_key_is_sent_in_a_header(row: Row, wire: Wire) -> None:
    assert await answer(row, wire) == good(row)
    for path, headers, _ in wire.asked:
        assert KEY not in path
        assert any(KEY in value for value in headers.values())


WORDS: dict[Fault, str] = {
    "401": "refused the credential. Check the Secret's key.",
    "429": f"too many requests or a used-up quota. It asks to wait {RETRY_AFTER_SECONDS} s.",
    "500": "answered with HTTP status 500",
    "stall": "did not answer in time",
    "cut": "could not be reached",
    "rubbish": "could not be reached",
}
EXCEPTIONS: dict[tuple[str, Fault], str] = {
    # raw sound: any bytes are some
    ("tts-azure", "rubbish"): "",
    # what is no message is passed over, and the next one understood
    ("stt-deepgram", "rubbish"): "",
    # a caller's silence looks the same: only that nobody answers pings tells, whichever of its tasks notices first
    ("stt-deepgram", "stall"): "repeatedly.",
}


@pytest.mark.parametrize("fault", list(WORDS))
@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_bad_answer_is_told_in_a_sentence(
    row: Row, fault: Fault, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.fault = fault
    quick_pings(monkeypatch)
    told = await answer(row, wire)
    words = EXCEPTIONS.get((str(row), fault), WORDS[fault])
    if not words:
        assert told.failure is None and (told.text or told.sound)
        return
    failure = told.failure
    assert failure is not None and words in failure.sentence and KEY not in failure.sentence
    assert failure.sentence.startswith(f'The {row.kind} provider "{row.name}" (model model-x)')
    if fault in ("401", "429", "500"):
        assert isinstance(failure.error, APIStatusError) and failure.error.status_code == int(fault)
        assert failure.error.retryable is (fault != "401")
    assert failure.retry_after == (RETRY_AFTER_SECONDS if fault == "429" else None)


def quick_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have WebSockets that ping at all do so often; some plugins rely on that."""
    connect = aiohttp.ClientSession.ws_connect

    def ws_connect(self: aiohttp.ClientSession, url: Any, **more: Any) -> Any:
        if more.get("heartbeat"):
            more["heartbeat"] = 0.2
        return connect(self, url, **more)

    monkeypatch.setattr(aiohttp.ClientSession, "ws_connect", ws_connect)


@llm.function_tool
async def weather(city: str) -> str:
    """The weather in a city."""
    return f"rain in {city}"


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind == "llm"], ids=str)
async def test_tools_are_offered_and_called(row: Row, wire: Wire) -> None:
    wire.use_tool = True
    told = await answer(row, wire, [weather])
    assert [(name, json.loads(arguments)) for name, arguments in told.calls] == [
        ("weather", json.loads(TOOL_ARGUMENTS))
    ]
    assert b'"weather"' in wire.asked[-1][2] and b"The weather in a city." in wire.asked[-1][2]
