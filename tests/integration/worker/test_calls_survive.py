"""A call whose process dies goes on with another agent, against a real livekit-server and real speech."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator

import pytest
from livekit import api, rtc
from local_livekit import LiveKit
from person import Caller
from speech_server import SpeechServer, speech_server
from voiceagent_worker.memory import decode, memory_key
from worker_process import CONTROL_TOKEN, RunningWorker, call_processes, ended, metric, session_of, until, until_ready

StartWorker = Callable[..., RunningWorker]
MEMORY = "voiceagents.dev/memory"


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechServer]:
    with speech_server(tmp_path_factory.mktemp("speech")) as server:
        yield server


async def idle_process(worker: RunningWorker) -> int:
    """The one that will have the next call."""

    async def only_one() -> set[int] | None:
        found = call_processes(worker)
        return found if len(found) == 1 else None

    (pid,) = await until(only_one, 60.0, "a single idle process")
    return int(pid)


async def until_listening(agent: rtc.RemoteParticipant) -> None:
    """Until it has said what it had to say."""

    async def listens() -> bool:
        return agent.attributes.get("lk.agent.state") == "listening"

    await until(listens, 60.0, "an agent that listens")


async def test_crashed_call_gets_another_agent_even_from_a_worker_that_takes_only_one_call(
    livekit: LiveKit, start_worker: StartWorker
) -> None:
    worker = start_worker(livekit, max_sessions=1)
    await until_ready(worker)
    process = await idle_process(worker)
    async with Caller(livekit, worker) as caller:
        dead = await caller.agent()
        os.kill(process, signal.SIGKILL)
        agent = await caller.agent(other_than=dead.identity)

        async def alone() -> bool:
            return list(caller.room.remote_participants) == [agent.identity]

        await until(alone, 60.0, "the dead agent gone")
        assert (await session_of(worker, caller.name) or {})["outcome"] == "crashed"
        assert await metric(worker, "voiceagent_sessions_recovered_total") == 1
        sessions = [one for one in (await worker.status())["sessions"] if one["room"] == caller.name]
        assert [one["outcome"] for one in sessions] == ["crashed", "active"]
        assert agent.identity == f"agent-{sessions[1]['id']}"


async def test_call_that_crashes_on_a_draining_pod_goes_on_with_another_pod(
    livekit: LiveKit, start_worker: StartWorker
) -> None:
    worker = start_worker(livekit)
    await until_ready(worker)
    process = await idle_process(worker)
    async with Caller(livekit, worker) as caller:
        dead = await caller.agent()
        other = start_worker(livekit, agent_name=worker.agent_name)
        await until_ready(other)
        worker.process.send_signal(signal.SIGTERM)

        async def draining() -> bool:
            return bool((await worker.status())["draining"])

        await until(draining, 60.0, "a draining pod")
        os.kill(process, signal.SIGKILL)
        await caller.agent(other_than=dead.identity)
        assert (await session_of(other, caller.name) or {})["outcome"] == "active"
    assert await asyncio.to_thread(worker.process.wait, 60) == 0


async def test_room_whose_person_is_gone_gets_no_other_agent(livekit: LiveKit, start_worker: StartWorker) -> None:
    worker = start_worker(livekit)
    await until_ready(worker)
    process = await idle_process(worker)
    async with livekit.client() as client:
        await client.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name=worker.agent_name, room="nobody")
        )

        async def joined() -> bool:
            listed = await client.room.list_participants(api.ListParticipantsRequest(room="nobody"))
            return len(listed.participants) == 1

        await until(joined, 60.0, "the agent in the room")
    os.kill(process, signal.SIGKILL)
    assert (await ended(worker, "nobody", 60.0))["outcome"] == "crashed"

    async def decided() -> bool:
        return "its room needs no other agent" in worker.log

    await until(decided, 60.0, "a decision")
    assert await metric(worker, "voiceagent_sessions_recovered_total") == 0


async def test_agent_that_takes_over_knows_what_was_said_before_and_greets_nobody_again(
    livekit: LiveKit, start_worker: StartWorker, speech: SpeechServer
) -> None:
    speech.script(
        {"match": "my name is Ann", "say": "Nice to meet you, Ann."},
        {"match": "what next", "say": "Let us find a date."},
    )
    worker = start_worker(livekit, provider_url=f"{speech.url}/v1", greeting="Hello, Blue Dental.")
    await until_ready(worker)
    process = await idle_process(worker)
    async with Caller(livekit, worker, name="Ann", metadata="a patient", attributes={"shoe": "38"}) as caller:
        dead = await caller.agent()
        await caller.hears("Hello, Blue Dental.")
        await until_listening(dead)
        await caller.type("Hello, my name is Ann.")
        await caller.hears("Nice to meet you, Ann.")

        me = caller.room.local_participant

        async def kept() -> bool:
            remarks = decode(me.attributes.get(MEMORY, ""), memory_key(CONTROL_TOKEN), caller.name)
            return remarks is not None and [remark.text for remark in remarks] == said

        said = ["Hello, Blue Dental.", "Hello, my name is Ann.", "Nice to meet you, Ann."]
        await until(kept, 60.0, "the whole memory")
        # what else is known of the person stays
        assert (me.name, me.metadata, me.attributes["shoe"]) == ("Ann", "a patient", "38")
        caller.heard.clear()
        os.kill(process, signal.SIGKILL)
        agent = await caller.agent(other_than=dead.identity)
        await caller.hears("I'm back. Where were we?")
        await until_listening(agent)
        await caller.type("Tell me, what next?")
        await caller.hears("Let us find a date.")
        assert not any("Hello, Blue Dental." in text for text in caller.heard)
    assert speech.asked_of_the_model() == [*said, "I'm back. Where were we?", "Tell me, what next?"]
    assert CONTROL_TOKEN not in worker.log and "Traceback" not in worker.log
