"""Plugins in real calls: a real livekit-server, a worker process, speech over HTTP."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from aloud import speak
from local_livekit import LiveKit
from person import Caller
from speech_server import SpeechServer, speech_server
from voiceagent_worker.plugins.webhook import signed
from worker_process import RunningWorker, ended, metric, session_of, until, until_config_changes, until_ready

StartWorker = Callable[..., RunningWorker]
SECRET = "a-secret-of-webhooks"


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechServer]:
    with speech_server(tmp_path_factory.mktemp("speech")) as server:
        yield server


class Receiver:
    """A plugin at an address, that checks who asks."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.unsigned = 0

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        expected = signed(body, SECRET.encode(), int(request.headers["X-Voiceagent-Timestamp"]))
        if request.headers.get("X-Voiceagent-Signature") != expected["X-Voiceagent-Signature"]:
            self.unsigned += 1
            return web.Response(status=401)
        self.got.append(await request.json())
        return web.json_response({"message": self.got[-1]["message"].replace("4242", "(number)")})


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    own = Receiver()
    app = web.Application()
    app.router.add_post("/hook", own.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield own, f"{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
    finally:
        await runner.cleanup()


def hears(speech: SpeechServer, text: str, *replies: dict[str, Any]) -> None:
    """What the speech server takes every utterance for, and what its model answers."""
    httpx.put(f"{speech.url}/sandbox/script", json={"replies": replies, "hears": text}, timeout=10).raise_for_status()


async def test_a_call_with_plugins_in_writing_and_aloud(
    livekit: LiveKit, start_worker: StartWorker, speech: SpeechServer, tmp_path: Path
) -> None:
    async with receiver() as (own, port):
        (tmp_path / "WEBHOOK_SECRET").write_text(SECRET)
        webhook = {"url": f"http://127.0.0.1:{port}/hook", "secretPath": str(tmp_path / "WEBHOOK_SECRET")}
        plugins = [
            {"name": "profanity_filter", "timeoutMilliseconds": 5000},
            {"name": "sentiment_analysis", "timeoutMilliseconds": 5000},
            {"name": "redaction", "webhook": webhook, "timeoutMilliseconds": 5000},
            {"name": "conversation_memory", "config": {"path": str(tmp_path / "memory.db")}},
        ]
        worker = start_worker(
            livekit, provider_url=f"{speech.url}/v1", plugins=plugins, greeting="Welcome, damn bitch. Number 4242."
        )
        await until_ready(worker)
        speech.script({"say": "That is shit. Call 4242."})
        async with Caller(livekit, worker) as caller:
            agent = await caller.agent()
            await caller.hears("Welcome, damn *****. Number (number).")
            await caller.listening_agent()

            await caller.type("I hate this sh1t, call 4242")
            await caller.hears("That is ****. Call (number).")
            assert speech.asked_of_the_model()[-1] == "I hate this ****, call (number)"
            await caller.listening_agent()

            async def feels() -> bool:
                return agent.attributes.get("voiceagents.dev/sentiment_analysis.label") == "negative"

            await until(feels, 30.0, f"the caller's sentiment in {agent.attributes}")

            hears(speech, "You are wonderful, you bitch, my number is 4242", {"say": "All heard."})
            await speak(caller, speech, "You are wonderful, my number is four two four two.")
            await caller.hears("All heard.")
            processed = "You are wonderful, you *****, my number is (number)"
            assert speech.asked_of_the_model()[-1] == processed

            async def transcribed() -> bool:
                return processed in caller.transcribed

            await until(transcribed, 30.0, f"the words in {caller.transcribed}")
            assert not any("bitch" in text or "4242" in text for text in caller.transcribed + caller.heard)
            session = await session_of(worker, caller.name) or {}
            assert session["plugins"] == [plugin["name"] for plugin in plugins]
            assert await metric(worker, "voiceagent_plugins_active", plugin="redaction") == 1
        await ended(worker, caller.name)

        assert own.unsigned == 0
        directions = {message["direction"] for message in own.got}
        assert directions == {"user", "agent"}
        assert {message["caller"] for message in own.got} == {"caller"}
        labels = {"plugin": "redaction", "direction": "user"}
        assert await metric(worker, "voiceagent_plugin_changes_total", **labels) == 2
        assert await metric(worker, "voiceagent_plugin_calls_total", outcome="ok", **labels) == 2
        assert await metric(worker, "voiceagent_plugin_seconds_count", **labels) == 2
        assert await metric(worker, "voiceagent_plugins_active", plugin="redaction") == 0
        assert (
            await metric(worker, "voiceagent_plugin_observations_count", plugin="sentiment_analysis", name="score") == 2
        )
        assert SECRET not in worker.log

        # the next call of the same caller, after a hot change
        await until_config_changes(worker, plugins=[plugins[3]], greeting="Hi again.")
        speech.script({"say": "I remember."})
        async with Caller(livekit, worker) as caller:
            await caller.hears("Hi again.")
            await caller.listening_agent()
            await caller.type("Who am I?")
            await caller.hears("I remember.")
            answer = httpx.get(f"{speech.url}/sandbox/journal", params={"kind": "llm", "limit": "1"}, timeout=10).json()
            told = [m["content"] for m in answer["entries"][-1]["messages"] if m["role"] == "system"]
            assert any("You have talked with this caller before" in text and "wonderful" in text for text in told)


async def test_a_spoken_turn_that_a_plugin_must_see_and_cannot_is_answered_by_an_apology(
    livekit: LiveKit, start_worker: StartWorker, speech: SpeechServer, tmp_path: Path
) -> None:
    plugin = {"name": "redaction", "onError": "Fail", "webhook": {"url": "http://127.0.0.1:9/hook"}}
    worker = start_worker(livekit, provider_url=f"{speech.url}/v1", plugins=[plugin])
    await until_ready(worker)
    hears(speech, "my card is 4242", {"say": "It went through."})
    async with Caller(livekit, worker) as caller:
        await caller.listening_agent()
        await speak(caller, speech, "My card is four two four two.")
        await caller.hears("Could you put that another way, please?")
        assert not any("4242" in text for text in caller.transcribed)
        assert not any("went through" in text for text in caller.heard)
        await until_config_changes(worker, plugins=[])
        assert (await session_of(worker, caller.name) or {})["outcome"] == "active"
    assert (await ended(worker, caller.name))["outcome"] == "user_left"


async def test_a_plugin_that_is_broken_in_one_call_is_left_alone_in_the_next(
    livekit: LiveKit, start_worker: StartWorker, speech: SpeechServer
) -> None:
    plugin = {"name": "redaction", "webhook": {"url": "http://127.0.0.1:9/hook"}}
    worker = start_worker(livekit, provider_url=f"{speech.url}/v1", plugins=[plugin])
    await until_ready(worker)
    speech.script({"say": "All is well."})

    async def calls(outcome: str) -> float:
        return await metric(
            worker, "voiceagent_plugin_calls_total", plugin="redaction", direction="user", outcome=outcome
        )

    async with Caller(livekit, worker) as first:

        async def broken() -> bool:
            await first.listening_agent()
            await first.type("Hello?")
            return bool(await calls("open"))

        await until(broken, 60.0, "a plugin that is left alone")
        failed = await calls("error")
        skipped = await calls("open")
        async with Caller(livekit, worker) as second:
            await second.listening_agent()
            await second.type("Hello?")
            await second.hears("All is well.")

            async def left_alone() -> bool:
                return await calls("open") > skipped

            await until(left_alone, what="the second call leaving it alone")
    assert await calls("error") == failed


async def test_a_plugin_that_the_image_lacks_is_told_in_status_and_the_last_good_config_stays(
    livekit: LiveKit, worker: RunningWorker
) -> None:
    await until_ready(worker)
    revision = (await worker.status())["configRevision"]
    worker.change_config(plugins=[{"name": "profanity_filtre"}])

    async def refused() -> str:
        return str((await worker.status()).get("configError") or "")

    told = await until(refused, 30.0, "a refused config")
    assert 'Did you mean "profanity_filter"?' in told
    assert (await worker.status())["configRevision"] == revision
