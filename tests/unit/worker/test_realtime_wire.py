"""OpenAI's realtime model against a server that speaks its protocol, and then speaks it badly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from livekit.agents import APIConnectOptions, llm, utils
from provider_wire import SAID, SOUND, Fault, Wire, provider_wire
from voiceagent_api.agent_config import ProviderConfig
from voiceagent_worker.providers.failures import failure_sentence
from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.openai import build_realtime

KEY = "sk-of-the-test"


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with provider_wire() as server:
        yield server


class Conversation:
    """A session with the model, and what it told of failures."""

    def __init__(self, wire: Wire) -> None:
        self.config = ProviderConfig(provider="openai", model="gpt-realtime", base_url=f"{wire.url}/v1", voice="cedar")
        self.model = build_realtime(self.config, "en", ProviderCredentials(KEY))
        self.model._opts.conn_options = APIConnectOptions(max_retry=0, timeout=1.0)
        self.session = self.model.session()
        self.failures: asyncio.Queue[Any] = asyncio.Queue()
        self.session.on("error", self.failures.put_nowait)

    async def close(self) -> None:
        with suppress(Exception):  # it raises once more what it failed of
            await self.session.aclose()
        await self.model.aclose()


@pytest.fixture
async def opened(wire: Wire) -> AsyncIterator[Any]:
    utils.http_context._new_session_ctx()
    made: list[Conversation] = []

    def open_it(fault: Fault = "none") -> Conversation:
        wire.fault = fault
        made.append(Conversation(wire))
        return made[-1]

    yield open_it
    for one in made:
        await one.close()
    await utils.http_context._close_http_ctx()


async def test_a_reply_is_words_and_sound(opened: Any, wire: Wire) -> None:
    conversation = opened()
    async with asyncio.timeout(60):
        generation: llm.GenerationCreatedEvent = await conversation.session.generate_reply(instructions="Greet.")
        message = await anext(aiter(generation.message_stream))
        words = "".join([str(piece) async for piece in message.text_stream])
        sound = [frame async for frame in message.audio_stream]
    assert words == SAID
    assert sum(frame.duration for frame in sound) == pytest.approx(len(SOUND) / 48000)
    path, headers, _ = wire.asked[0]
    assert "model=gpt-realtime" in path and KEY not in path
    assert headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "refused the credential"),
        ("429", "too many requests or a used-up quota"),
        ("500", "answered with HTTP status 500"),
        ("cut", "could not be reached"),
    ],
)
async def test_a_failure_is_told_in_a_sentence(opened: Any, fault: Fault, words: str) -> None:
    conversation = opened(fault)
    async with asyncio.timeout(60):
        failure = await conversation.failures.get()
    assert failure.recoverable is False
    sentence = failure_sentence("realtime", conversation.config, failure.error)
    assert words in sentence and KEY not in sentence


async def test_a_reply_that_does_not_come_is_an_error_of_its_own(opened: Any) -> None:
    conversation = opened("stall")
    with pytest.raises(llm.RealtimeError):
        async with asyncio.timeout(60):
            await conversation.session.generate_reply(instructions="Greet.")


async def test_what_is_no_message_ends_the_connection(opened: Any) -> None:
    conversation = opened("rubbish")
    async with asyncio.timeout(60):
        failure = await conversation.failures.get()
    assert "could not be reached" in failure_sentence("realtime", conversation.config, failure.error)
