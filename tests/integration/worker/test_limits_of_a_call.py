"""What ends one call and no other: its memory, its time; against a real livekit-server."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from local_livekit import LiveKit
from person import Caller
from speech_server import speech_server
from worker_process import RunningWorker, call_processes, ended, metric, session_of, until, until_ready

StartWorker = Callable[..., RunningWorker]
HOARDER = """
import signal
hoard = []
signal.signal(signal.SIGUSR1, lambda *_: hoard.append(bytearray(b"x" * (700 << 20))))
"""
"""In every Python process of the worker: told by a signal, it takes more memory than it may, as a leak would."""


async def test_call_that_uses_too_much_memory_is_ended_alone_and_its_outcome_says_so(
    livekit: LiveKit, start_worker: StartWorker, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HOARDER)
    environment = {"PYTHONPATH": str(tmp_path), "VOICEAGENT_SESSION_MEMORY_BYTES": str(600 << 20)}
    worker = start_worker(livekit, environment=environment)
    await until_ready(worker)

    async def one_is_idle() -> bool:
        return len(call_processes(worker)) == 1

    await until(one_is_idle, 60.0, "a single idle process")
    idle = call_processes(worker)
    async with Caller(livekit, worker) as greedy:
        await greedy.agent()
        (pid,) = idle & call_processes(worker)
        async with Caller(livekit, worker) as modest:
            await modest.agent()
            os.kill(pid, signal.SIGUSR1)
            session = await ended(worker, greedy.name, 90.0)
            assert session["outcome"] == "memory_exceeded"
            assert "sessions.memoryLimit" in session["error"]
            assert (await session_of(worker, modest.name) or {})["outcome"] == "active"
            assert not modest.left.is_set()
    assert await metric(worker, "voiceagent_sessions_ended_total", outcome="memory_exceeded") == 1
    assert (await worker.get("/readyz"))[0] == 200


async def test_caller_hears_a_warning_and_then_a_goodbye_when_time_is_up(
    livekit: LiveKit, start_worker: StartWorker, tmp_path: Path
) -> None:
    with speech_server(tmp_path) as speech:
        worker = start_worker(livekit, provider_url=f"{speech.url}/v1", maxSessionSeconds=24, language="en")
        await until_ready(worker)
        async with Caller(livekit, worker) as caller:
            await caller.agent()
            await caller.hears("We are almost out of time.")
            assert not any("Goodbye" in text for text in caller.heard)
            await caller.hears("Our time is up. Goodbye!")
            session = await ended(worker, caller.name, 60.0)
    assert (session["outcome"], session["error"]) == ("timed_out", None)
