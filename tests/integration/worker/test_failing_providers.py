"""Calls whose providers fail: fallbacks answer, the caller hears an apology, and the pod knows and tells."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from livekit import rtc
from local_livekit import LiveKit
from person import Caller
from provider_wire import SAID, Wire, provider_wire
from worker_process import RunningWorker, ended, metric, until, until_config_changes, until_ready

LOUD = 2000
"""Of 32,767; the servers' own voice is far below."""


@pytest.fixture
async def first() -> AsyncIterator[Wire]:
    async with provider_wire() as wire:
        yield wire


@pytest.fixture
async def second() -> AsyncIterator[Wire]:
    async with provider_wire() as wire:
        yield wire


def providers(worker: RunningWorker, first: Wire, speech: Wire, **fallbacks: dict[str, Any]) -> dict[str, Any]:
    """All by OpenAI's protocol: the language model at the first server, and who steps in."""

    def one(kind: str, model: str) -> dict[str, Any]:
        more = (
            {"fallbacks": [{"credentialsPath": str(worker.key_path), **fallbacks[kind]}]} if kind in fallbacks else {}
        )
        url = first.url if kind == "llm" else speech.url
        address = {"baseURL": f"{url}/v1", "credentialsPath": str(worker.key_path)}
        return {"provider": "openai", "model": model, **address, **more}

    return {"stt": one("stt", "whisper-1"), "llm": one("llm", "gpt-4o-mini"), "tts": one("tts", "tts-1")}


def chats(wire: Wire) -> int:
    return sum("/chat" in path for path, _, _ in wire.asked)


async def until_apologies_are_prepared(speech: Wire) -> None:
    """Before that a caller hears a tone. They are spoken one after the other, and the second ends the call."""

    async def prepared() -> bool:
        return sum("/audio/speech" in path for path, _, _ in speech.asked) >= 2

    await until(prepared, 60.0, "apologies made beforehand")


async def check_of(worker: RunningWorker, kind: str, provider: str) -> dict[str, Any] | None:
    checks = (await worker.status())["providerChecks"]
    return next((check for check in checks if (check["kind"], check["provider"]) == (kind, provider)), None)


async def loud(caller: Caller) -> None:
    """Wait until the agent is heard loudly, on whatever track."""
    heard = asyncio.Event()
    listening: dict[str, asyncio.Task[None]] = {}

    async def listen(track: rtc.Track) -> None:
        async for event in rtc.AudioStream(track):
            if max(map(abs, memoryview(event.frame.data).cast("B").cast("h"))) > LOUD:
                heard.set()

    async def is_heard() -> bool:
        for person in caller.room.remote_participants.values():
            for sid, publication in person.track_publications.items():
                if publication.track is not None and sid not in listening:
                    listening[sid] = asyncio.create_task(listen(publication.track))
        return heard.is_set()

    try:
        await until(is_heard, 60.0, "the agent's voice")
    finally:
        for task in listening.values():
            task.cancel()
        await asyncio.gather(*listening.values(), return_exceptions=True)


async def test_a_fallback_answers_and_the_pod_knows_who_is_dead(
    livekit: LiveKit, worker: RunningWorker, first: Wire, second: Wire
) -> None:
    await until_ready(worker)
    cohere = {"provider": "cohere", "model": "command-a", "baseURL": second.url}
    await until_config_changes(worker, providers=providers(worker, first, second, llm=cohere))
    first.fault = "500"
    async with Caller(livekit, worker) as caller:
        await caller.listening_agent()
        await caller.type("Hello?")
        await caller.hears(SAID)

        async def told() -> bool:
            return await metric(worker, "voiceagent_provider_available", kind="llm", provider="openai") == 0

        await until(told, what="a dead provider in the metrics")
        assert await metric(worker, "voiceagent_provider_available", kind="llm", provider="cohere") == 1
        assert await metric(worker, "voiceagent_provider_errors_total", kind="llm", provider="openai") >= 1
        check = await check_of(worker, "llm", "openai")
        assert check is not None and check["ok"] is None and "answered with HTTP status 500" in check["message"]
    first.fault = "stall"
    asked = chats(second)
    async with Caller(livekit, worker) as caller:
        await caller.listening_agent()
        await caller.type("Hello again?")
        await caller.hears(SAID)
        assert chats(second) == asked + 1
        first.fault = "none"

        async def back() -> bool:
            await caller.type("And again?")  # each answer is a try beside it, of which one at a time
            await asyncio.sleep(1)
            return await metric(worker, "voiceagent_provider_available", kind="llm", provider="openai") == 1

        await until(back, 60.0, "a provider that serves again")


async def test_the_caller_hears_an_apology_and_the_next_turn_is_answered(
    livekit: LiveKit, worker: RunningWorker, first: Wire
) -> None:
    await until_ready(worker)
    await until_config_changes(worker, providers=providers(worker, first, first))
    async with Caller(livekit, worker) as caller:
        await caller.listening_agent()
        await until_apologies_are_prepared(first)
        first.fault = "401"
        await caller.type("Hello?")
        await caller.hears("Sorry, I had a technical problem.")
        first.fault = "none"
        await caller.type("Hello?")
        await caller.hears(SAID)
    assert (await ended(worker, caller.name))["outcome"] == "user_left"


async def test_a_voice_that_never_was_is_stood_in_for_by_a_tone_and_the_call_ends_by_itself(
    livekit: LiveKit, worker: RunningWorker, first: Wire
) -> None:
    await until_ready(worker)
    wanted = providers(worker, first, first)
    wanted["tts"]["baseURL"] = f"{first.url}/nowhere"
    await until_config_changes(worker, providers=wanted, greeting="Hello, Blue Dental.")
    async with Caller(livekit, worker) as caller:
        await loud(caller)

        async def over() -> bool:
            await caller.type("Hello?")
            await asyncio.sleep(2)
            return caller.left.is_set()

        await until(over, 120.0, "the agent's leaving")
        await caller.hears("Please call again later. Goodbye!")
        session = await ended(worker, caller.name)
    assert session["outcome"] == "error"
    assert session["error"] == (
        f'The tts provider "openai" (model tts-1) at {first.url}/nowhere knows no such model or address. '
        "Check model and baseURL."
    )


async def test_a_key_that_is_refused_is_told_before_any_call(
    livekit: LiveKit, worker: RunningWorker, first: Wire
) -> None:
    await until_ready(worker)
    first.fault = "401"
    await until_config_changes(worker, providers=providers(worker, first, first))

    async def refused() -> bool:
        check = await check_of(worker, "llm", "openai")
        return check is not None and check["ok"] is False and check["message"] == "it refused the key"

    await until(refused, 60.0, "a refused key in /status")
    assert await metric(worker, "voiceagent_provider_available", kind="llm", provider="openai") == 0


async def test_a_realtime_model_greets_in_place_of_the_three(
    livekit: LiveKit, worker: RunningWorker, first: Wire
) -> None:
    await until_ready(worker)
    await until_config_changes(worker, providers=realtime(worker, first), greeting="Hello, Blue Dental.")
    async with Caller(livekit, worker) as caller:
        await caller.hears(SAID)
        path, _, _ = next(asked for asked in first.asked if "/v1/realtime" in asked[0])
        assert "model=gpt-realtime" in path
    assert (await ended(worker, caller.name))["outcome"] == "user_left"


async def test_a_realtime_model_that_refuses_ends_the_call_with_a_sound_and_a_sentence(
    livekit: LiveKit, worker: RunningWorker, first: Wire
) -> None:
    await until_ready(worker)
    await until_config_changes(worker, providers=realtime(worker, first))
    first.fault = "401"
    async with Caller(livekit, worker) as caller:
        await loud(caller)
        session = await ended(worker, caller.name, 60.0)
    assert session["outcome"] == "error"
    assert 'The realtime provider "openai" (model gpt-realtime)' in session["error"]
    assert "refused the credential" in session["error"]


def realtime(worker: RunningWorker, wire: Wire) -> dict[str, Any]:
    model = {"provider": "openai", "model": "gpt-realtime", "baseURL": f"{wire.url}/v1"}
    return {"realtime": {**model, "credentialsPath": str(worker.key_path)}}
