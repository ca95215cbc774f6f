"""One streaming recognition, with a model that only says how much sound it was given."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from voiceagent_speech.audio import RECOGNITION_RATE, Samples, to_linear16
from voiceagent_speech.deepgram_options import listen_options
from voiceagent_speech.errors import ApiError
from voiceagent_speech.listen_session import FinalResult, ListenSession

QUERY = {"interim_results": "true", "vad_events": "true", "punctuate": "true", "sample_rate": "16000"}
GENERATOR = np.random.default_rng(5)


def voice(seconds: float) -> bytes:
    return to_linear16((0.1 * GENERATOR.standard_normal(int(seconds * RECOGNITION_RATE))).astype(np.float32))


def quiet(seconds: float) -> bytes:
    return bytes(2 * int(seconds * RECOGNITION_RATE))


class Call:
    """A session, what it sent, and what its model was given."""

    def __init__(self, *, free: bool = True, fails: Exception | None = None, **query: str) -> None:
        self.sent: list[dict[str, Any]] = []
        self.given: list[float] = []
        self.finals: list[FinalResult] = []
        self._fails = fails
        self.session = ListenSession(
            listen_options({**QUERY, **query}, min_endpointing_milliseconds=300),
            "id",
            transcribe=self._transcribe,
            model_is_free=lambda: free,
            send=self._send,
            begin_utterance=self._nothing,
            on_final=self.finals.append,
            interim_seconds=0.8,
        )

    async def feed(self, *pieces: bytes) -> None:
        sound = b"".join(pieces)
        for at in range(0, len(sound), 1600):
            await self.session.feed(sound[at : at + 1600])
            for _ in range(3):  # let the transcribing side have its turn
                await asyncio.sleep(0)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.sent if message["type"] == kind]

    @property
    def final_messages(self) -> list[dict[str, Any]]:
        return [message for message in self.of("Results") if message["is_final"]]

    async def _transcribe(self, samples: Samples) -> str:
        if self._fails:
            raise self._fails
        self.given.append(len(samples) / RECOGNITION_RATE)
        return f"{self.given[-1]:.1f} seconds."

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def _nothing(self) -> None:
        pass


@contextlib.asynccontextmanager
async def running(call: Call) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(call.session.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_utterance_is_started_told_in_interims_and_ended() -> None:
    call = Call()
    async with running(call):
        await call.feed(quiet(0.5), voice(3.0), quiet(0.6))
        await call.session.finalize()
    assert call.sent[0]["type"] == "SpeechStarted"
    assert call.sent[0]["timestamp"] == pytest.approx(0.5, abs=0.05)
    interims = [message for message in call.of("Results") if not message["is_final"]]
    assert 2 <= len(interims) <= 4
    (final,) = call.final_messages
    assert final["speech_final"]
    assert not final["from_finalize"]
    assert final["start"] == pytest.approx(0.2, abs=0.05)
    assert final["start"] + final["duration"] == pytest.approx(3.5, abs=0.05)


async def test_the_draft_made_at_a_pause_is_the_final_result_without_transcribing_again() -> None:
    call = Call(interim_results="false")
    async with running(call):
        await call.feed(voice(1.0), quiet(0.6))
    assert len(call.given) == 1
    assert len(call.final_messages) == 1
    assert len(call.finals) == 1


async def test_speech_that_goes_on_after_a_pause_is_transcribed_anew() -> None:
    call = Call(interim_results="false")
    async with running(call):
        await call.feed(voice(1.0), quiet(0.2), voice(1.0), quiet(0.6))
    assert len(call.final_messages) == 1
    assert call.given[-1] > 2.0


async def test_without_interims_none_are_sent() -> None:
    call = Call(interim_results="false", vad_events="false")
    async with running(call):
        await call.feed(voice(3.0), quiet(0.6))
    assert [message["type"] for message in call.sent] == ["Results"]


async def test_while_the_model_is_busy_only_finals_are_asked_of_it() -> None:
    call = Call(free=False)
    async with running(call):
        await call.feed(voice(5.0), quiet(0.6))
    assert len(call.given) == 1
    assert len(call.final_messages) == 1


async def test_finalize_answers_in_mid_speech_and_says_so() -> None:
    call = Call()
    async with running(call):
        await call.feed(voice(1.0))
        await asyncio.wait_for(call.session.finalize(), 1)
    (final,) = call.final_messages
    assert final["from_finalize"]
    assert final["speech_final"]


async def test_finalize_with_nothing_said_sends_nothing_and_does_not_wait() -> None:
    call = Call()
    async with running(call):
        await call.feed(quiet(1.0))
        await asyncio.wait_for(call.session.finalize(), 1)
    assert call.sent == []


async def test_what_was_waiting_for_the_model_keeps_its_own_sound() -> None:
    call = Call(interim_results="false")
    await call.feed(voice(1.0), quiet(0.6), voice(2.0), quiet(3.0))  # nobody transcribes yet
    async with running(call):
        await asyncio.wait_for(call.session.finalize(), 1)
    assert call.given == [pytest.approx(1.2, abs=0.1), pytest.approx(2.5, abs=0.1)]
    assert len(call.final_messages) == 2


async def test_endless_speech_is_told_in_finals_that_are_not_its_last() -> None:
    call = Call(interim_results="false")
    async with running(call):
        await call.feed(voice(32.0), quiet(0.6))
        await call.session.finalize()
    assert [message["speech_final"] for message in call.final_messages] == [False, False, True]
    assert max(call.given) < 16


async def test_with_endpointing_off_results_are_final_but_never_the_speechs_last() -> None:
    call = Call(endpointing="false")
    async with running(call):
        await call.feed(voice(1.0), quiet(1.2))
    (final,) = call.final_messages
    assert not final["speech_final"]


async def test_an_utterance_end_comes_after_its_silence_and_once() -> None:
    call = Call(utterance_end_ms="1000")
    async with running(call):
        await call.feed(voice(1.0), quiet(0.7))
        assert call.of("UtteranceEnd") == []
        await call.feed(quiet(1.5))
    (ended,) = call.of("UtteranceEnd")
    assert ended["last_word_end"] == pytest.approx(1.0, abs=0.05)


async def test_stereo_at_another_rate_is_heard_as_the_same_speech() -> None:
    call = Call(sample_rate="8000", channels="2", interim_results="false")
    samples = np.frombuffer(voice(1.0), "<i2")[::2]
    async with running(call):
        await call.feed(np.repeat(samples, 2).astype("<i2").tobytes(), quiet(2.0))
    assert call.final_messages[0]["duration"] == pytest.approx(1.0, abs=0.1)


async def test_a_model_that_fails_ends_the_session_with_its_error() -> None:
    call = Call(fails=ApiError(500, "broken"))
    async with running(call) as task:
        await call.feed(voice(1.0), quiet(0.6))
        with pytest.raises(ApiError, match="broken"):
            await asyncio.wait_for(asyncio.shield(task), 1)
