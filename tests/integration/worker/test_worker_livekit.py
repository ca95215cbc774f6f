"""A worker process against a real livekit-server, without speech or language models."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

from livekit import api
from local_livekit import LiveKit
from person import Caller
from worker_process import (
    START_SECONDS,
    RunningWorker,
    call_processes,
    ended,
    metric,
    session_of,
    until,
    until_config_changes,
    until_ready,
)

StartWorker = Callable[..., RunningWorker]


async def test_worker_is_ready_once_livekit_knows_it_and_again_after_livekit_was_away(
    own_livekit: LiveKit, start_worker: StartWorker
) -> None:
    worker = start_worker(own_livekit)

    async def alive() -> bool:
        return bool((await worker.get("/healthz"))[0] == 200)

    await until(alive, START_SECONDS, "alive")
    await until_ready(worker)
    status = await worker.status()
    assert status["registered"] is True
    names = [status[key] for key in ("namespace", "agent", "pod", "revision")]
    assert names == ["tests", "agent", "agent-pod-1", "rev1"]

    own_livekit.stop()

    async def unready() -> str | None:
        code, text = await worker.get("/readyz")
        return text if code == 503 else None

    text = await until(unready, what="not ready")
    assert own_livekit.url in text and "trying again" in text
    assert (await worker.status())["registered"] is False

    own_livekit.start()
    await until_ready(worker)


async def test_call_is_answered_recorded_counted_and_ends_when_the_caller_leaves(
    livekit: LiveKit, worker: RunningWorker
) -> None:
    await until_ready(worker)
    await until_config_changes(worker, greeting="Hello!")
    completed = await metric(worker, "voiceagent_sessions_ended_total", outcome="user_left")
    async with Caller(livekit, worker) as caller:
        agent = await caller.agent()
        assert agent.name == "agent"

        async def at_work() -> bool:
            return agent.attributes.get("lk.agent.state") in ("listening", "speaking", "thinking")

        await until(at_work, what="the agent's state")
        session = await session_of(worker, caller.name)
        assert session is not None
        assert session["outcome"] == "active"
        assert session["configRevision"] == (await worker.status())["configRevision"]
        assert await metric(worker, "voiceagent_sessions_active") == 1

        async def failures() -> bool:
            # the greeting cannot be spoken: no provider answers
            return await metric(worker, "voiceagent_provider_errors_total", kind="tts", provider="openai") > 0

        await until(failures, 30.0, "errors of the tts provider")
        # livekit-agents' remote control, which would hand the instructions to the caller, is off
        assert caller.internals == []

    session = await ended(worker, caller.name)
    assert (session["outcome"], session["error"]) == ("user_left", None)
    assert await metric(worker, "voiceagent_sessions_active") == 0
    assert await metric(worker, "voiceagent_sessions_ended_total", outcome="user_left") == completed + 1
    assert worker.provider_key not in worker.log and livekit.secret not in worker.log
    for line in worker.log.splitlines():
        assert {"time", "level", "logger", "message"} <= json.loads(line).keys()


async def test_call_whose_process_is_killed_is_recorded_as_crashed_and_the_next_call_is_served(
    livekit: LiveKit, worker: RunningWorker
) -> None:
    await until_ready(worker)

    async def one_is_idle() -> bool:
        return len(call_processes(worker)) == 1

    await until(one_is_idle, 30.0, "a single idle process")
    idle = call_processes(worker)
    async with Caller(livekit, worker) as caller:
        await caller.agent()
        (pid,) = idle & call_processes(worker)
        os.kill(pid, signal.SIGKILL)
        session = await ended(worker, caller.name)
        assert session["outcome"] == "crashed"
        assert "killed" in session["error"]
    assert (await worker.get("/readyz"))[0] == 200
    async with Caller(livekit, worker) as caller:
        await caller.agent()


async def test_sigterm_ends_readiness_at_once_lets_the_call_go_on_and_exits_with_0_after_it(
    livekit: LiveKit, start_worker: StartWorker
) -> None:
    worker = start_worker(livekit)
    await until_ready(worker)
    async with Caller(livekit, worker) as caller:
        await caller.agent()
        worker.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        code, text = await worker.get("/readyz")
        assert code == 503 and text.startswith("Draining")
        assert (await worker.status())["draining"] is True
        await asyncio.sleep(3)
        assert not caller.left.is_set()
        assert worker.process.poll() is None
    assert await asyncio.to_thread(worker.process.wait, 30) == 0
    assert worker.children() == {}
    assert "Traceback" not in worker.log


async def test_worker_told_to_stop_while_it_starts_exits_with_0(livekit: LiveKit, start_worker: StartWorker) -> None:
    worker = start_worker(livekit)
    status = Path(f"/proc/{worker.process.pid}/status")

    async def handles_sigterm() -> bool:
        caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

    await until(handles_sigterm, 30.0, "a handler of SIGTERM")
    worker.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.process.wait, 60) == 0
    assert "Traceback" not in worker.log


async def test_call_whose_provider_keeps_failing_ends_as_failed_with_a_sentence(
    livekit: LiveKit, worker: RunningWorker
) -> None:
    await until_ready(worker)
    address = json.loads(worker.config_path.read_text())["providers"]["llm"]["baseURL"]
    async with Caller(livekit, worker) as caller:
        await caller.agent()

        async def failed() -> bool:
            session = await session_of(worker, caller.name)
            if session is not None and session["outcome"] == "error":
                return True
            await caller.room.local_participant.send_text("Are you there?", topic="lk.chat")
            await asyncio.sleep(6)  # of three attempts with two seconds between them
            return False

        await until(failed, 150.0, "a failed session")
        session = await ended(worker, caller.name)
        assert session["error"] == (
            f'The llm provider "openai" (model gpt-4o-mini) could not be reached at {address}, repeatedly. '
            "Check the address and the network."
        )
        assert await metric(worker, "voiceagent_provider_errors_total", kind="llm", provider="openai") > 3


async def test_call_without_its_provider_key_fails_with_a_sentence_and_heals_when_the_key_appears(
    livekit: LiveKit, worker: RunningWorker
) -> None:
    await until_ready(worker)
    worker.key_path.unlink()
    async with Caller(livekit, worker) as caller:
        session = await ended(worker, caller.name)
    assert session["outcome"] == "error"
    assert session["error"] == (
        f'The credential of the stt provider "openai" is missing: there is no file {worker.key_path}. '
        "Create the Secret, or name another in credentialsSecretRef."
    )
    worker.key_path.write_text(worker.provider_key)
    async with Caller(livekit, worker) as caller:
        await caller.agent()


async def test_changed_config_is_used_by_the_next_call_and_a_bad_one_is_refused_with_a_sentence(
    livekit: LiveKit, worker: RunningWorker
) -> None:
    await until_ready(worker)
    revision = await until_config_changes(worker, instructions="You sell flowers.")
    good = worker.config_path.read_text()
    providers = json.loads(good)["providers"]
    worker.change_config(providers={**providers, "llm": {**providers["llm"], "provider": "opnai"}})

    async def refused() -> str | None:
        error: str | None = (await worker.status())["configError"]
        return error

    error = await until(refused, what="a configError")
    assert 'spec.providers.llm.provider "opnai" is not known. Did you mean "openai"?' in error
    assert error.endswith("The last good config stays in force.")
    async with Caller(livekit, worker) as caller:
        await caller.agent()
        session = await session_of(worker, caller.name)
        assert session is not None and session["configRevision"] == revision

    worker.replace_config(good)

    async def healed() -> bool:
        return (await worker.status())["configError"] is None

    await until(healed, what="no configError")


async def test_call_that_reaches_its_longest_duration_is_ended_by_the_agent(
    livekit: LiveKit, worker: RunningWorker
) -> None:
    await until_ready(worker)
    await until_config_changes(worker, maxSessionSeconds=2)
    async with Caller(livekit, worker) as caller:
        await caller.agent()
        session = await ended(worker, caller.name, 40.0)
        assert (session["outcome"], session["error"]) == ("timed_out", None)
        await asyncio.wait_for(caller.left.wait(), 60)
        attributes = caller.room.local_participant.attributes
        assert attributes["voiceagents.dev/ended"] == "time-is-up"

        await until_config_changes(worker, maxSessionSeconds=600)
        async with livekit.client() as client:
            await client.agent_dispatch.create_dispatch(
                api.CreateAgentDispatchRequest(agent_name=worker.agent_name, room=caller.name)
            )
        await caller.agent()

        async def forgotten() -> bool:
            return "voiceagents.dev/ended" not in caller.room.local_participant.attributes

        await until(forgotten, 60.0, "a person in a call again")


async def test_worker_with_a_wrong_livekit_secret_says_so_on_readyz(
    livekit: LiveKit, start_worker: StartWorker
) -> None:
    worker = start_worker(livekit, api_secret="another-secret-of-32-characters-x")

    async def refused() -> bool:
        code, text = await worker.get("/readyz")
        return code == 503 and "LiveKit refused the API key or secret" in text

    await until(refused, START_SECONDS, "the reason in /readyz")
    assert "Bearer" not in worker.log and "eyJ" not in worker.log
