"""How many calls a worker takes, and how it stops taking them, against a real livekit-server."""

import asyncio
import json
import signal
import uuid
from collections.abc import Callable
from pathlib import Path

from livekit import api
from local_livekit import LiveKit
from person import Caller
from speech_server import speech_server
from worker_process import CONTROL_TOKEN, RunningWorker, metric, until, until_ready

StartWorker = Callable[..., RunningWorker]


async def dispatch(livekit: LiveKit, agent_name: str, count: int) -> None:
    """Call the agent to so many new rooms at once."""
    async with livekit.client() as client:
        await asyncio.gather(
            *(
                client.agent_dispatch.create_dispatch(
                    api.CreateAgentDispatchRequest(agent_name=agent_name, room=f"room-{uuid.uuid4().hex[:8]}")
                )
                for _ in range(count)
            )
        )


async def active(*workers: RunningWorker) -> list[int]:
    return [int(await metric(worker, "voiceagent_sessions_active")) for worker in workers]


def outcomes(worker: RunningWorker) -> list[str]:
    """Of the calls of a worker that has ended."""
    lines = [json.loads(line) for line in worker.log.splitlines()]
    return [line["outcome"] for line in lines if line["message"] == "A call ended"]


async def test_worker_takes_exactly_as_many_calls_as_it_may_when_more_come_at_once(
    livekit: LiveKit, start_worker: StartWorker
) -> None:
    worker = start_worker(livekit, max_sessions=2)
    await until_ready(worker)
    assert (await worker.status())["sessionCapacity"] == 2
    await dispatch(livekit, worker.agent_name, 6)

    async def taken() -> bool:
        refused = await metric(worker, "voiceagent_sessions_refused_total", reason="full")
        return await active(worker) == [2] and refused == 4

    await until(taken, 60.0, "two calls taken and four refused")
    await asyncio.sleep(3)
    assert await active(worker) == [2]
    assert await metric(worker, "voiceagent_sessions_started_total") == 2


async def test_call_that_one_worker_refuses_is_taken_by_another_until_both_are_full(
    livekit: LiveKit, start_worker: StartWorker
) -> None:
    first = start_worker(livekit, max_sessions=2)
    second = start_worker(livekit, max_sessions=2, agent_name=first.agent_name)
    await until_ready(first)
    await until_ready(second)
    await dispatch(livekit, first.agent_name, 6)

    async def taken() -> bool:
        return await active(first, second) == [2, 2]

    await until(taken, 60.0, "four calls taken")
    await asyncio.sleep(3)
    assert await active(first, second) == [2, 2]


async def test_worker_asked_to_drain_keeps_its_calls_refuses_others_and_takes_them_again_when_asked(
    livekit: LiveKit, start_worker: StartWorker
) -> None:
    worker = start_worker(livekit)
    await until_ready(worker)
    assert (await worker.ask("POST", "/drain", "wrong"))[0] == 401
    async with Caller(livekit, worker) as caller:
        await caller.agent()
        code, text = await worker.ask("POST", "/drain", CONTROL_TOKEN)
        assert (code, json.loads(text)) == (200, {"draining": True, "activeSessions": 1})
        code, text = await worker.get("/readyz")
        assert code == 503 and text.startswith("Draining")
        assert (await worker.status())["draining"] is True
        await dispatch(livekit, worker.agent_name, 3)
        await asyncio.sleep(5)
        assert await active(worker) == [1] and not caller.left.is_set()

        code, text = await worker.ask("DELETE", "/drain", CONTROL_TOKEN)
        assert (code, json.loads(text)) == (200, {"draining": False, "activeSessions": 1})
        await until_ready(worker)

        async def taken() -> bool:
            # LiveKit hears of the lower load a moment later
            await dispatch(livekit, worker.agent_name, 1)
            return (await active(worker))[0] > 1

        await until(taken, 60.0, "another call")
        worker.process.send_signal(signal.SIGTERM)

        async def ending() -> bool:
            return (await worker.ask("DELETE", "/drain", CONTROL_TOKEN))[0] == 409

        await until(ending, 60.0, "an answer that the end cannot be taken back")
    assert CONTROL_TOKEN not in worker.log


async def test_agent_says_goodbye_when_the_drain_timeout_is_over_and_the_worker_exits(
    livekit: LiveKit, start_worker: StartWorker, tmp_path: Path
) -> None:
    with speech_server(tmp_path) as speech:
        worker = start_worker(livekit, provider_url=f"{speech.url}/v1", drainTimeoutSeconds=2, language="en")
        await until_ready(worker)
        async with Caller(livekit, worker) as caller:
            agent = await caller.agent()
            worker.process.send_signal(signal.SIGTERM)
            await caller.hears("I have to end our call for maintenance. Goodbye!")
            assert agent.attributes["voiceagents.dev/ended"] == "drained"
            await asyncio.wait_for(caller.left.wait(), 30)
            # also for whoever looks after rooms, once the agent is gone
            assert caller.room.local_participant.attributes["voiceagents.dev/ended"] == "drained"
            assert await asyncio.to_thread(worker.process.wait, 60) == 0
    assert outcomes(worker) == ["drained"]
    assert worker.children() == {}
    assert "Traceback" not in worker.log


async def test_worker_whose_voice_is_dead_ends_its_calls_within_its_margin_all_the_same(
    livekit: LiveKit, start_worker: StartWorker
) -> None:
    worker = start_worker(livekit, drainTimeoutSeconds=1)
    await until_ready(worker)
    async with Caller(livekit, worker) as caller:
        await caller.agent()
        worker.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.process.wait, 60) == 0
    assert outcomes(worker) == ["drained"]
