"""A speech-to-text that listens and never answers is noticed by the caller's voice."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from google_wire import GoogleWire, google_wire
from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, UserStateChangedEvent, stt, utils
from livekit.agents.stt import SpeechEventType
from livekit.plugins import silero
from livekit.plugins.azure import stt as azure
from provider_wire import SAID, Wire, provider_wire
from service_account import service_account
from voiceagent_api.agent_config import ProviderConfig
from voiceagent_worker.providers import find_factory, unheard
from voiceagent_worker.providers.failures import failure_sentence
from voiceagent_worker.providers.fallbacks import join_stt
from voiceagent_worker.providers.google_account import SERVICE_ACCOUNT
from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.unheard import SPOKEN_SECONDS, Unheard, tell_listeners

CONFIG = ProviderConfig(provider="google", model="latest_long")


@pytest.fixture
async def wire() -> AsyncIterator[GoogleWire]:
    async with google_wire() as server:
        yield server


@pytest.fixture
async def second() -> AsyncIterator[GoogleWire]:
    async with google_wire() as server:
        yield server


@pytest.fixture
async def told_wire() -> AsyncIterator[Wire]:
    async with provider_wire() as server:
        yield server


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unheard, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(unheard, "SPOKEN_SECONDS", 0.0)


class Session(rtc.EventEmitter[str]):
    """An AgentSession as far as its voice detection tells."""

    def voice(self, *states: Any) -> None:
        for old, new in itertools.pairwise(states):
            self.emit("user_state_changed", UserStateChangedEvent(old_state=old, new_state=new))


def model_at(wire: GoogleWire, folder: Path) -> Any:
    (folder / SERVICE_ACCOUNT).write_text(service_account())
    credentials = ProviderCredentials(files={SERVICE_ACCOUNT: folder / SERVICE_ACCOUNT})
    model: Any = find_factory("stt", "google")(CONFIG, "en-US", credentials)

    async def connect(_: float) -> Any:
        return wire.speech_client()

    model._pool._connect_cb = connect
    return model


class Talk:
    """A caller who is heard by a model, and what came of it."""

    def __init__(self, model: stt.STT[Any], models: list[Any], retries: int = 3) -> None:
        self.session: Any = Session()
        self.heard: list[str] = []
        self.guessed = asyncio.Event()
        self.understood = asyncio.Event()
        tell_listeners(self.session, models)
        options = APIConnectOptions(max_retry=retries, timeout=1.0, retry_interval=0.05)
        self._stream = model.stream(conn_options=options)

    async def __aenter__(self) -> "Talk":
        self._tasks = [asyncio.create_task(self._push()), asyncio.create_task(self._read())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stream.aclose()

    async def _push(self) -> None:
        while True:
            with suppress(RuntimeError):
                self._stream.push_frame(rtc.AudioFrame(b"\0" * 3200, 16000, 1, 1600))
            await asyncio.sleep(0.02)

    async def _read(self) -> None:
        with suppress(APIError):
            async for event in self._stream:
                if event.type is SpeechEventType.INTERIM_TRANSCRIPT:
                    self.guessed.set()
                elif event.type is SpeechEventType.FINAL_TRANSCRIPT:
                    self.heard.append(event.alternatives[0].text)
                    self.understood.set()


async def failures_of(model: Any) -> "asyncio.Queue[tuple[str, bool]]":
    told: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    def on_error(event: Any) -> None:
        told.put_nowait((failure_sentence("stt", CONFIG, event.error), event.recoverable))

    model.on("error", on_error)
    return told


async def test_a_stalled_google_stream_is_a_failure_once_the_caller_has_spoken(
    wire: GoogleWire, tmp_path: Path
) -> None:
    wire.fault = "stall"
    model = model_at(wire, tmp_path)
    told = await failures_of(model)
    async with asyncio.timeout(60), Talk(model, [model]) as talk:
        await talk.guessed.wait()
        talk.session.voice("listening", "speaking", "listening")
        sentence, recoverable = await told.get()
    assert "did not answer in time" in sentence
    # not tried again in silence, so that the session apologises
    assert not recoverable and talk.heard == []
    await model.aclose()


async def test_a_fallback_takes_over_from_a_stalled_google_stream(
    wire: GoogleWire, second: GoogleWire, tmp_path: Path
) -> None:
    wire.fault = "stall"
    models = [model_at(server, tmp_path) for server in (wire, second)]
    joined, adapter = join_stt(models, silero.VAD.load())
    async with asyncio.timeout(60), Talk(joined, models) as talk:
        await talk.guessed.wait()
        talk.session.voice("listening", "speaking", "listening")
        await talk.understood.wait()
    assert talk.heard == [SAID] and [status.available for status in adapter._status] == [False, True]
    for model in models:
        await model.aclose()


async def test_a_caller_who_is_understood_or_silent_breaks_nothing(wire: GoogleWire, tmp_path: Path) -> None:
    model = model_at(wire, tmp_path)
    told = await failures_of(model)
    async with asyncio.timeout(60), Talk(model, [model]) as talk:
        talk.session.voice("listening", "speaking")
        await talk.understood.wait()
        talk.session.voice("listening", "away", "listening")
        await asyncio.sleep(2 * unheard.PATIENCE_SECONDS)
    assert told.empty() and talk.heard[0] == SAID
    await model.aclose()


async def test_a_stalled_deepgram_stream_is_noticed_long_before_its_pings(told_wire: Wire) -> None:
    told_wire.fault = "stall"
    utils.http_context._new_session_ctx()
    config = ProviderConfig(provider="deepgram", model="nova-3", base_url=f"{told_wire.url}/v1")
    model: Any = find_factory("stt", "deepgram")(config, "en", ProviderCredentials("sk-test"))
    told = await failures_of(model)
    async with asyncio.timeout(60), Talk(model, [model]) as talk:
        while not told_wire.asked:
            await asyncio.sleep(0.01)
        talk.session.voice("listening", "speaking", "listening")
        sentence, recoverable = await told.get()
    assert "did not answer in time" in sentence and not recoverable
    await model.aclose()
    await utils.http_context._close_http_ctx()


async def test_an_azure_recogniser_that_never_answers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()
    quiet: Any = MagicMock()
    quiet.session_started.connect = lambda callback: setattr(quiet, "begin", callback)

    def start() -> None:
        quiet.begin(None)
        begun.set()

    quiet.start_continuous_recognition = start
    monkeypatch.setattr(azure, "_create_speech_recognizer", lambda config, stream: quiet)
    config = ProviderConfig(provider="azure", model="default", options={"speech_region": "westeurope"})
    model: Any = find_factory("stt", "azure")(config, "en-US", ProviderCredentials("key"))
    told = await failures_of(model)
    async with asyncio.timeout(60), Talk(model, [model]) as talk:
        await begun.wait()
        talk.session.voice("listening", "speaking", "listening")
        sentence, recoverable = await told.get()
    assert "did not answer in time" in sentence and not recoverable
    await model.aclose()


def test_what_was_said_since_the_last_words_counts_and_a_cough_does_not() -> None:
    spoken = Unheard()
    for start, end in ((0.0, 0.6), (10.0, 10.6)):
        spoken.spoke(start)
        spoken.paused(end)
    assert spoken.seconds == pytest.approx(1.2)
    spoken.spoke(20.0)
    spoken.understood(21.0)
    spoken.paused(21.6)
    assert spoken.seconds == pytest.approx(0.6)
    spoken.paused(30.0)
    assert spoken.seconds == pytest.approx(0.6)


def test_a_word_or_two_are_much_and_a_breath_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unheard, "SPOKEN_SECONDS", SPOKEN_SECONDS)
    assert not Unheard(SPOKEN_SECONDS - 0.1).much and Unheard(SPOKEN_SECONDS).much
