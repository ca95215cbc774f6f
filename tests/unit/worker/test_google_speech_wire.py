"""Google's speech services over gRPC on loopback: the plugin's own client is replaced, since it takes no address."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google_wire import GoogleWire, google_wire
from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, stt
from livekit.agents.stt import SpeechEventType
from provider_wire import SAID, SOUND, Fault
from service_account import service_account
from voiceagent_api.agent_config import ProviderConfig
from voiceagent_worker.providers import find_factory
from voiceagent_worker.providers.failures import failure_sentence
from voiceagent_worker.providers.google_account import SERVICE_ACCOUNT
from voiceagent_worker.providers.keys import ProviderCredentials

OPTIONS = APIConnectOptions(max_retry=0, timeout=1.0)
MODELS = {"stt": "latest_long", "tts": "chirp_3"}


@pytest.fixture
async def wire() -> AsyncIterator[GoogleWire]:
    async with google_wire() as server:
        yield server


async def ask(kind: Any, wire: GoogleWire, folder: Path) -> tuple[Any, list[str]]:
    """What came, and what was told of failures."""
    (folder / SERVICE_ACCOUNT).write_text(service_account())
    credentials = ProviderCredentials(files={SERVICE_ACCOUNT: folder / SERVICE_ACCOUNT})
    config = ProviderConfig(provider="google", model=MODELS[kind])
    model: Any = find_factory(kind, "google")(config, "en-US", credentials)
    told: list[str] = []
    model.on("error", lambda event: told.append(failure_sentence(kind, config, event.error)))
    if kind == "stt":

        async def connect(_: float) -> Any:
            return wire.speech_client()

        model._pool._connect_cb = connect
    else:
        model._client = wire.voice_client()
    try:
        async with asyncio.timeout(60):
            return await (_listen(model) if kind == "stt" else _speak(model)), told
    except APIError:
        return None, told
    finally:
        await model.aclose()


async def _listen(model: stt.STT[Any]) -> str:
    frame = rtc.AudioFrame(b"\0" * 3200, 16000, 1, 1600)
    async with model.stream(conn_options=OPTIONS) as stream:

        async def talk() -> None:
            while True:
                stream.push_frame(frame)
                await asyncio.sleep(0.02)

        talking = asyncio.create_task(talk())
        try:
            async for event in stream:
                if event.type is SpeechEventType.FINAL_TRANSCRIPT:
                    return event.alternatives[0].text
        finally:
            talking.cancel()
    return ""


async def _speak(model: Any) -> float:
    sound = 0.0
    async with model.stream(conn_options=OPTIONS) as stream:
        stream.push_text(SAID)
        stream.end_input()
        async for piece in stream:
            sound += piece.frame.duration
    return sound


async def test_a_good_answer_is_understood(wire: GoogleWire, tmp_path: Path) -> None:
    assert await ask("stt", wire, tmp_path) == (SAID, [])
    assert await ask("tts", wire, tmp_path) == (pytest.approx(len(SOUND) / 48000, abs=0.03), [])


WORDS: dict[Fault, str] = {
    "401": "refused the credential",
    "429": "too many requests or a used-up quota",
    "500": "answered with HTTP status 500",
    "stall": "did not answer in time",
    "cut": "answered with HTTP status 503",
    "rubbish": "could not be reached",
}
NEEDS_A_VOICE: tuple[str, Fault] = ("stt", "stall")
"""A stream of transcripts that stays silent is one of a caller who does: see test_unheard.py."""


@pytest.mark.parametrize(
    ("kind", "fault"), [(kind, fault) for kind in MODELS for fault in WORDS if (kind, fault) != NEEDS_A_VOICE]
)
async def test_a_bad_answer_is_told_in_a_sentence(kind: str, fault: Fault, wire: GoogleWire, tmp_path: Path) -> None:
    wire.fault = fault
    _, told = await ask(kind, wire, tmp_path)
    assert told and WORDS[fault] in told[-1]
