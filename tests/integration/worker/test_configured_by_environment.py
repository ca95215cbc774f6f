"""A worker without a config file, as on a single machine, against a real livekit-server."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from local_livekit import LiveKit
from person import Caller
from processes import free_port
from speech_server import speech_server
from worker_process import RunningWorker, end, metric, until_ready

KEY = "sk-from-the-environment"


async def test_environment_alone_makes_an_agent_that_answers_and_no_key_is_told(
    livekit: LiveKit, tmp_path: Path
) -> None:
    with speech_server(tmp_path) as speech:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TMPDIR": "/tmp",  # short, for the socket's name
            "LIVEKIT_URL": livekit.url,
            "LIVEKIT_API_KEY": livekit.key,
            "LIVEKIT_API_SECRET": livekit.secret,
            "OPENAI_API_KEY": KEY,
            "LLM_MODEL": "gpt-4o",
            "AGENT_INSTRUCTIONS": "You answer the phone.",
            "LOG_LEVEL": "LOUD",
            "POD_NAMESPACE": "tests",
        }
        port = free_port()
        flags = [f"--set=providers.{kind}.baseURL={speech.url}/v1" for kind in ("stt", "llm", "tts")]
        command = [sys.executable, "-m", "voiceagent_worker", "--host", "127.0.0.1", "--port", str(port)]
        with (tmp_path / "worker.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, *flags, "--set", "greeting=Hello from the environment."],
                stdout=log,
                stderr=log,
                env=environment,
                cwd=tmp_path,
                start_new_session=True,
            )
        worker = RunningWorker(process, tmp_path, tmp_path / "none.json", port, "tests-agent")
        try:
            await until_ready(worker)
            status = await worker.status()
            assert (status["agent"], status["agentName"]) == ("agent", "tests-agent")
            assert "logLevel (env LOG_LEVEL) is wrong" in status["configError"]
            async with Caller(livekit, worker) as caller:
                await caller.agent()
                await caller.hears("Hello from the environment.")
            name = "voiceagent_tts_characters_total"
            used = {"provider": "openai", "model": "tts-1", "agent": "agent", "revision": "local"}
            assert await metric(worker, name, **used) > 0
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            end(worker)
    assert KEY not in worker.log and livekit.secret not in worker.log
