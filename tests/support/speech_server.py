"""The sandbox's speech server as a program of its own, its language model's answers scripted by the test."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from processes import free_port

SOURCE = Path(__file__).parents[2] / "sandbox" / "speech" / "src"
START_SECONDS = 180


@dataclass(frozen=True)
class SpeechServer:
    """Where it listens."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def script(self, *replies: dict[str, Any]) -> None:
        """What the language model answers from now on."""
        httpx.put(f"{self.url}/sandbox/script", json={"replies": list(replies)}, timeout=10).raise_for_status()

    def asked_of_the_model(self) -> list[str]:
        """The texts of the last request to the language model, without the instructions."""
        answer = httpx.get(f"{self.url}/sandbox/journal", params={"kind": "llm", "limit": "1"}, timeout=10)
        messages = answer.raise_for_status().json()["entries"][-1]["messages"]
        return [message["content"] for message in messages if message["role"] in ("user", "assistant")]


@contextmanager
def speech_server(folder: Path) -> Iterator[SpeechServer]:
    """One that runs for as long as the block."""
    server = SpeechServer(free_port())
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "SPEECH_ALLOW_SCRIPT": "1"}
    command = [os.environ.get("SPEECH_PYTHON", sys.executable), "-m", "voiceagent_speech", "--port", str(server.port)]
    log_file = folder / "speech.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{server.url}/readyz", timeout=5).status_code == 200:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"the speech server did not come up:\n{log_file.read_text()[-2000:]}")
            time.sleep(0.3)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
