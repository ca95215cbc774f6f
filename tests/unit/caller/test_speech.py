"""The two audio endpoints as the caller uses them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
import numpy as np
import pytest
from voiceagent_caller import CallFailed, Clip, Speech
from voiceagent_caller.audio import wav_bytes

TONE = (8000 * np.sin(np.arange(2400) / 10)).astype(np.int16)
Answer = Callable[[httpx.Request], httpx.Response]


def synthesise(answer: Answer, url: str = "http://speech") -> Clip:
    async def run() -> Clip:
        async with Speech(url, "joe", transport=httpx.MockTransport(answer)) as speech:
            return await speech.synthesise("Hello")

    return asyncio.run(run())


def transcribe(answer: Answer) -> str:
    async def run() -> str:
        async with Speech("http://speech", "joe", transport=httpx.MockTransport(answer)) as speech:
            return await speech.transcribe(Clip(TONE))

    return asyncio.run(run())


def test_speech_is_asked_for_as_raw_samples() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, content=TONE.tobytes())

    clip = synthesise(answer, url="http://speech/v1/")
    assert (clip.samples == TONE).all()
    assert clip.sample_rate == 24_000
    (request,) = requests
    assert request.url == "http://speech/v1/audio/speech"
    assert request.headers["Authorization"].startswith("Bearer ")
    assert json.loads(request.content) == {
        "model": "tts-1", "voice": "joe", "input": "Hello", "response_format": "pcm",
    }  # fmt: skip


def test_a_wav_is_taken_as_well() -> None:
    clip = synthesise(lambda _: httpx.Response(200, content=wav_bytes(Clip(TONE, 16_000))))
    assert clip.sample_rate == 16_000


def test_speech_without_sound_is_a_failed_call() -> None:
    with pytest.raises(CallFailed, match="made no sound of 'Hello'"):
        synthesise(lambda _: httpx.Response(200, content=bytes(4800)))


def test_a_recording_is_sent_as_a_wav_and_its_text_returned() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://speech/v1/audio/transcriptions"
        assert wav_bytes(Clip(TONE)) in request.content
        assert b'name="model"' in request.content
        return httpx.Response(200, json={"text": " Hello there. "})

    assert transcribe(answer) == "Hello there."


def test_a_refusal_is_quoted_from_the_error_of_the_wire() -> None:
    error = {"error": {"message": "The model is asleep.", "type": "server_error"}}
    with pytest.raises(CallFailed, match=r"/v1/audio/transcriptions \(500\): The model is asleep\."):
        transcribe(lambda _: httpx.Response(500, json=error))


def test_an_answer_without_a_text_is_a_failed_call() -> None:
    with pytest.raises(CallFailed, match="answered a transcription without a text"):
        transcribe(lambda _: httpx.Response(200, json={"words": []}))
