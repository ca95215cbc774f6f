"""What is said in real calls: held where the config file says so, and nowhere at all where it does not."""

import json
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from local_livekit import LiveKit
from person import Caller
from speech_server import SpeechServer, speech_server
from worker_process import (
    CONTROL_TOKEN,
    RunningWorker,
    ended,
    session_of,
    until,
    until_config_changes,
    until_ready,
)

StartWorker = Callable[..., RunningWorker]
PLUGINS = [{"name": "profanity_filter", "timeoutMilliseconds": 5000}]
SAID = ("walrus", "lemons", "submarine", "marmalade")


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechServer]:
    with speech_server(tmp_path_factory.mktemp("speech")) as server:
        yield server


async def transcripts(worker: RunningWorker, query: str = "") -> dict[str, Any]:
    status, text = await worker.ask("GET", f"/transcripts{query}", CONTROL_TOKEN)
    assert status == 200, text
    found: dict[str, Any] = json.loads(text)
    return found


async def talk(livekit: LiveKit, worker: RunningWorker, speech: SpeechServer) -> str:
    """A call in writing; the name of its room."""
    speech.script({"say": "That shit walrus eats lemons."})
    async with Caller(livekit, worker) as caller:
        await caller.hears("Welcome to the submarine.")
        await caller.listening_agent()
        await caller.type("I like bitch marmalade")
        await caller.hears("That **** walrus eats lemons.")

        async def counted() -> bool:
            return bool((await session_of(worker, caller.name) or {}).get("agentWords") == 8)

        await until(counted, 60.0, "the words of the call")
    await ended(worker, caller.name, 60.0)
    return caller.name


async def test_what_is_said_is_held_after_the_plugins_and_a_pod_that_ends_waits_until_it_is_fetched(
    livekit: LiveKit, start_worker: StartWorker, speech: SpeechServer
) -> None:
    worker = start_worker(
        livekit,
        provider_url=f"{speech.url}/v1",
        plugins=PLUGINS,
        greeting="Welcome to the submarine.",
        transcriptsEnabled=True,
        logLevel="DEBUG",
    )
    await until_ready(worker)
    assert (await transcripts(worker))["lines"] == []
    room = await talk(livekit, worker, speech)
    record = await session_of(worker, room) or {}
    assert (record["callerWords"], record["agentWords"], record["transcribed"]) == (3, 8, True)
    found = await transcripts(worker)
    assert [(line["who"], line["text"], line["room"], line["number"]) for line in found["lines"]] == [
        ("agent", "Welcome to the submarine.", room, 1),
        ("caller", "I like ***** marmalade", room, 2),
        ("agent", "That **** walrus eats lemons.", room, 3),
    ]
    assert (await worker.status())["transcriptPosition"] == found["position"] == 3
    for token in (None, "wrong"):
        status, text = await worker.ask("GET", "/transcripts", token)
        assert status == 401
        assert not any(word in text for word in SAID)
    shown = worker.log + json.dumps(await worker.status()) + (await worker.get("/metrics"))[1]
    assert not any(word in shown for word in SAID)

    assert (await worker.ask("DELETE", f"/transcripts/{record['id']}", CONTROL_TOKEN))[0] == 204
    assert (await transcripts(worker))["lines"] == []

    other = await talk(livekit, worker, speech)
    worker.process.send_signal(signal.SIGTERM)

    async def draining() -> bool:
        return "Draining" in worker.log

    await until(draining, 30.0, "the drain")
    late = await transcripts(worker, f"?after={found['position']}")
    assert {line["room"] for line in late["lines"]} == {other}
    await transcripts(worker, f"?after={late['position']}")


async def test_without_transcripts_no_word_is_anywhere_and_a_change_counts_from_the_next_call(
    livekit: LiveKit, start_worker: StartWorker, speech: SpeechServer
) -> None:
    worker = start_worker(
        livekit,
        provider_url=f"{speech.url}/v1",
        plugins=PLUGINS,
        greeting="Welcome to the submarine.",
        logLevel="DEBUG",
    )
    await until_ready(worker)
    room = await talk(livekit, worker, speech)
    record = await session_of(worker, room) or {}
    assert (record["callerWords"], record["agentWords"], record["transcribed"]) == (3, 8, False)
    assert record["lastSaidAt"] is not None
    answers = [(await worker.get(path))[1] for path in ("/status", "/metrics", "/readyz", "/healthz")]
    shown = "".join([worker.log, json.dumps(await transcripts(worker)), *answers])
    assert not any(word in shown for word in SAID)

    await until_config_changes(worker, transcriptsEnabled=True)
    room = await talk(livekit, worker, speech)
    assert {line["room"] for line in (await transcripts(worker))["lines"]} == {room}
    await until_config_changes(worker, transcriptsEnabled=False)
    assert (await transcripts(worker))["lines"] == []
    assert not any(word in worker.log for word in SAID)
