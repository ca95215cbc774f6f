"""A caller who speaks to a speech-to-text that listens and never answers, in a real call."""

from collections.abc import Callable, Iterator

import pytest
from aloud import speak
from local_livekit import LiveKit
from person import Caller
from provider_wire import provider_wire
from speech_server import SpeechServer, speech_server
from worker_process import RunningWorker, metric, until, until_ready

StartWorker = Callable[..., RunningWorker]


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechServer]:
    with speech_server(tmp_path_factory.mktemp("speech")) as server:
        yield server


async def test_the_caller_hears_an_apology_and_the_pod_knows_who_stalls(
    livekit: LiveKit, start_worker: StartWorker, speech: SpeechServer
) -> None:
    async with provider_wire() as deaf, provider_wire() as well:
        deaf.fault = "stall"
        openai = {"provider": "openai", "baseURL": f"{well.url}/v1"}
        worker = start_worker(
            livekit,
            providers={
                "stt": {"provider": "deepgram", "model": "nova-3", "baseURL": f"{deaf.url}/v1"},
                "llm": {**openai, "model": "gpt-4o-mini"},
                "tts": {**openai, "model": "tts-1", "voice": "alloy"},
            },
        )
        await until_ready(worker)
        async with Caller(livekit, worker) as caller:
            await caller.listening_agent()
            await speak(caller, speech, "Hello, I would like to book a table for two people, please.")
            await caller.hears("Sorry, I had a technical problem.")

            async def told() -> bool:
                return await metric(worker, "voiceagent_provider_available", kind="stt", provider="deepgram") == 0

            await until(told, 60.0, "a provider that does not serve")
