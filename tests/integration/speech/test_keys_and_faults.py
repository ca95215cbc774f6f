"""Wrong keys and faults, as the real plugins see them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError

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
async def test_an_invalid_key_is_refused_with_401(plugins: Any, service: str) -> None:
    with pytest.raises(APIStatusError) as refused:
        await plugins.use(service, key="invalid-key")
    assert refused.value.status_code == 401


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_status_fault_is_seen_as_that_status(plugins: Any, service: str, status: int) -> None:
    plugins.server.call("PUT", f"/sandbox/faults/{SERVICES[service]}", {"kind": "status", "status": status})
    with pytest.raises(APIStatusError) as failed:
        await plugins.use(service)
    assert failed.value.status_code == status


@pytest.mark.parametrize("service", SERVICES)
async def test_a_cut_connection_is_seen_as_a_connection_error(plugins: Any, service: str) -> None:
    plugins.server.call("PUT", f"/sandbox/faults/{SERVICES[service]}", {"kind": "drop"})
    with pytest.raises(APIConnectionError):
        await plugins.use(service)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_garbled_connection_is_seen_as_an_error(plugins: Any, service: str) -> None:
    plugins.server.call("PUT", f"/sandbox/faults/{SERVICES[service]}", {"kind": "rubbish"})
    with pytest.raises(APIError):
        await plugins.use(service)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_fault_with_a_count_of_one_is_met_once(plugins: Any, service: str) -> None:
    fault = {"kind": "status", "status": 500, "count": 1}
    plugins.server.call("PUT", f"/sandbox/faults/{SERVICES[service]}", fault)
    with pytest.raises(APIStatusError):
        await plugins.use(service)
    assert await plugins.use(service) is not None
    assert plugins.server.call("GET", "/sandbox/faults") == {}


@pytest.mark.parametrize("service", ["openai-llm", "openai-tts", "openai-stt", "deepgram-tts-stream"])
async def test_a_slow_service_takes_at_least_its_delay(plugins: Any, service: str) -> None:
    fault = {"kind": "slow", "delay_seconds": 1.5, "count": 1}
    plugins.server.call("PUT", f"/sandbox/faults/{SERVICES[service]}", fault)
    began = time.monotonic()
    assert await plugins.use(service) is not None
    assert time.monotonic() - began >= 1.5


@pytest.mark.parametrize("after_bytes", [None, 700])
async def test_a_stalled_model_is_seen_as_a_timeout(plugins: Any, after_bytes: int | None) -> None:
    plugins.server.call("PUT", "/sandbox/faults/llm", {"kind": "stall", "after_bytes": after_bytes})
    with pytest.raises(APITimeoutError):
        async for _ in plugins.chat("Hello.", timeout=1.5):
            pass


@pytest.mark.parametrize("kind", ["drop", "rubbish"])
async def test_a_model_that_fails_in_mid_answer_has_said_the_beginning(plugins: Any, kind: str) -> None:
    plugins.server.call(
        "PUT", "/sandbox/script", {"replies": [{"match": None, "say": "one two three four five six seven"}]}
    )
    plugins.server.call("PUT", "/sandbox/faults/llm", {"kind": kind, "after_bytes": 900})
    said = ""
    with pytest.raises(APIConnectionError):
        async for chunk in plugins.chat("Count."):
            said += (chunk.delta.content or "") if chunk.delta else ""
    assert said.startswith("one two")
    assert "seven" not in said


async def test_a_voice_that_is_cut_in_mid_sentence_is_an_error(plugins: Any) -> None:
    plugins.server.call("PUT", "/sandbox/faults/tts", {"kind": "drop", "after_bytes": 40000})
    for voice in (plugins.openai_tts(model="tts-1", response_format="pcm"), plugins.deepgram_tts()):
        with pytest.raises(APIConnectionError):
            await plugins.spoken(voice)


async def test_a_stream_that_is_already_open_meets_a_fault_at_its_next_utterance(plugins: Any) -> None:
    frame = await plugins.spoken(plugins.openai_tts(response_format="pcm"), "Is anybody there?")
    plugins.server.call("PUT", "/sandbox/faults/stt", {"kind": "slow", "delay_seconds": 0, "count": 1})
    hearing = asyncio.create_task(plugins.heard_on_a_stream(plugins.deepgram_stt(), frame, pace=2.0))
    async with asyncio.timeout(10):
        while plugins.server.call("GET", "/sandbox/faults"):
            await asyncio.sleep(0.02)
    plugins.server.call("PUT", "/sandbox/faults/stt", {"kind": "drop"})
    with pytest.raises((APIConnectionError, APIStatusError)):
        await hearing
