"""The call page before an agent that runs on this machine alone: `voiceagent dev --browser`."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from browser import open_page
from local_livekit import LiveKit
from playwright.sync_api import expect
from processes import free_port
from provider_wire import SAID, Wire, provider_wire

PATIENCE_SECONDS = 120.0
GREETING = "Hello, this is the desk."

expect.set_options(timeout=60_000)


@contextmanager
def wire() -> Iterator[Wire]:
    """The providers, served by a thread: browsers are driven without asyncio."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = provider_wire()
    try:
        yield asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(PATIENCE_SECONDS)
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(PATIENCE_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_SECONDS)


def test_an_agent_of_this_machine_is_called_by_the_call_page(
    built_page: Path, livekit: LiveKit, tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "dev.txt"
    keys = {"OPENAI_API_KEY": "sk-1", "LIVEKIT_API_KEY": livekit.key, "LIVEKIT_API_SECRET": livekit.secret}
    program = str(Path(sys.executable).with_name("voiceagent"))
    with wire() as providers, log.open("wb") as out:
        provider = {"provider": "openai", "baseURL": f"{providers.url}/v1"}
        spec = {
            "instructions": "You answer the phone.",
            "greeting": GREETING,
            "providers": {"stt": provider, "llm": {**provider, "model": "gpt-4o-mini"}, "tts": provider},
        }
        agent = {"kind": "VoiceAgent", "metadata": {"name": "receptionist"}, "spec": spec}
        (tmp_path / "agent.yaml").write_text(yaml.safe_dump(agent))
        words = ["dev", "agent.yaml", "--browser", f"--livekit-url={livekit.url}", f"--port={port}"]
        dev = subprocess.Popen(
            [program, *words, f"--page={built_page}"],
            stdout=out, stderr=out, cwd=tmp_path, env={**os.environ, **keys}, start_new_session=True,
        )  # fmt: skip
        try:
            end = time.monotonic() + PATIENCE_SECONDS
            while "Ready: call at" not in log.read_text():
                assert dev.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.1)
            with open_page() as page:
                page.goto(f"http://localhost:{port}")
                button = page.get_by_test_id("call")
                expect(button).to_be_enabled()
                button.click()
                said = page.locator('[data-testid="line"][data-who="agent"]')
                expect(said.first).to_contain_text(GREETING)
                page.get_by_test_id("chat-input").fill("Are you open?")
                page.get_by_test_id("chat-send").click()
                expect(said.filter(has_text=SAID).first).to_be_visible()
                expect(page.get_by_test_id("error")).to_be_hidden()
                page.get_by_test_id("hang-up").click()
                expect(page.get_by_test_id("state")).to_have_text("Call ended")
            os.killpg(dev.pid, signal.SIGINT)
            assert dev.wait(PATIENCE_SECONDS) == 0, log.read_text()
        finally:
            if dev.poll() is None:
                os.killpg(dev.pid, signal.SIGKILL)
                dev.wait()
    assert "Traceback" not in log.read_text()
