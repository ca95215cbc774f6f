"""An agent is tried by its manifest alone: in writing, and in calls before a livekit-server of one's own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
import yaml
from local_livekit import LiveKit
from mcp.server import MCPServer
from processes import free_port
from provider_wire import SAID, Wire, provider_wire
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from worker_process import until

SECRET = "sk-this-must-never-be-seen"
TOKEN = "a-token-of-the-tool-server"
PATIENCE_SECONDS = 150.0
"""Imports take seconds, and many more on a machine that builds beside the tests."""


class Terminal:
    """The program, and what it printed."""

    def __init__(self, folder: Path, *words: str, out: str = "out.txt", **environment: str) -> None:
        self._out = folder / out
        program = str(Path(sys.executable).with_name("voiceagent"))
        known = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "OPENAI_API_KEY": SECRET, "PYTHONUNBUFFERED": "1"}
        with self._out.open("wb") as file:
            self.process = subprocess.Popen(
                [program, *words],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                env={**known, **environment},
                cwd=folder,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self._out.read_text()

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def interrupt(self) -> None:
        """As Ctrl-C does: every process of the terminal is told."""
        os.killpg(self.process.pid, signal.SIGINT)

    async def ends(self) -> int:
        """Its exit code, once there is nothing more to type."""
        assert self.process.stdin is not None
        self.process.stdin.close()

        async def over() -> bool:
            return self.process.poll() is not None

        await until(over, PATIENCE_SECONDS, f"the end of {self.text}")
        assert SECRET not in self.text and "Traceback" not in self.text, self.text
        return int(self.process.returncode)

    async def shows(self, words: str, times: int = 1) -> None:
        async def shown() -> bool:
            return self.text.count(words) >= times

        await until(shown, PATIENCE_SECONDS, f"{words!r} in {self.text}")


def manifest(url: str, **more: object) -> str:
    provider = {"provider": "openai", "baseURL": f"{url}/v1"}
    spec = {
        "instructions": "You answer the phone.",
        "greeting": "Hello, you sh1t.",
        "providers": {"stt": provider, "llm": {**provider, "model": "gpt-4o-mini"}, "tts": provider},
        "plugins": [{"name": "profanity_filter"}],
        **more,
    }
    return yaml.safe_dump({"kind": "VoiceAgent", "metadata": {"name": "receptionist"}, "spec": spec})


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[list[Terminal]]:
    started: list[Terminal] = []
    yield started
    for one in started:
        with suppress(ProcessLookupError):
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.wait()


async def test_typed_words_and_answers_meet_the_plugins_and_a_saved_manifest_counts(
    tmp_path: Path, terminals: list[Terminal]
) -> None:
    file = tmp_path / "agent.yaml"
    async with provider_wire() as wire:
        file.write_text(manifest(wire.url))
        terminals.append(one := Terminal(tmp_path, "dev", str(file)))
        await one.shows("Hello, you ****.")
        one.type("What the shit?")
        await one.shows(SAID)
        assert b"What the ****?" in last_chat(wire)

        file.write_text(manifest(wire.url, instructions="You are a pirate."))
        one.type("Who are you?")
        await one.shows(SAID, 2)
        assert "(the manifest changed)" in one.text
        asked = last_chat(wire)
        assert b"You are a pirate." in asked and b"What the ****?" in asked and b"You answer the phone." not in asked

        file.write_text(manifest(wire.url, language="not a language"))
        one.type("And now?")
        await one.shows(SAID, 3)
        assert "spec.language" in one.text and "The agent stays as it was." in one.text

        wire.fault = "401"
        one.type("Still there?")
        await one.shows("refused the credential. Check the Secret's key.")
        assert await one.ends() == 0


async def test_a_manifest_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, terminals: list[Terminal]) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text("kind: Deployment\n")
    terminals.append(one := Terminal(tmp_path, "dev", str(file)))

    # the same as of other commands of the command line
    assert await one.ends() == 3
    assert one.text == f"The manifest {file} has no VoiceAgent. Give a file with `kind: VoiceAgent`.\n"


class ToolServer:
    """A server of one tool, for who knows its token. It has the model say something once it was asked."""

    def __init__(self, wire: Wire) -> None:
        self.port = free_port()
        self.asked: list[str] = []
        server = MCPServer("weather")

        @server.tool()
        def weather(city: str) -> str:
            """What the weather is like."""
            self.asked.append(city)
            wire.use_tool = False
            return "rain"

        app = server.streamable_http_app()

        async def check(request: Request, call_next: Callable[[Request], Any]) -> Response:
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return PlainTextResponse("no", status_code=401)
            answer: Response = await call_next(request)
            return answer

        app.add_middleware(BaseHTTPMiddleware, dispatch=check)
        self._server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="error"))

    async def __aenter__(self) -> "ToolServer":
        self._serving = asyncio.create_task(self._server.serve())

        async def started() -> bool:
            return self._server.started

        await until(started, 30.0, "the tool server")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        await self._serving


async def test_instructions_and_tokens_are_files_beside_the_manifest_and_tools_are_used(
    tmp_path: Path, terminals: list[Terminal]
) -> None:
    file = tmp_path / "agent.yaml"
    async with provider_wire() as wire, ToolServer(wire) as tools:
        calendar = {"name": "sky", "url": f"http://127.0.0.1:{tools.port}/mcp", "secretRef": {"name": "sky"}}
        taken = {"configMapKeyRef": {"name": "receptionist", "key": "instructions.txt"}}
        file.write_text(manifest(wire.url, instructions=None, instructionsFrom=taken, mcpServers=[calendar]))
        terminals.append(one := Terminal(tmp_path, "dev", "agent.yaml", out="first.txt"))
        assert await one.ends() == 3
        assert "Write them into the file instructions.txt, or put that ConfigMap into the manifest" in one.text

        (tmp_path / "instructions.txt").write_text("You know the weather.")
        terminals.append(two := Terminal(tmp_path, "dev", "agent.yaml", out="second.txt"))
        assert await two.ends() == 3
        assert "Write it into the file sky/MCP_TOKEN, or leave secretRef out meanwhile." in two.text

        (tmp_path / "sky").mkdir()
        (tmp_path / "sky/MCP_TOKEN").write_text(TOKEN)
        wire.use_tool = True
        terminals.append(three := Terminal(tmp_path, "dev", "agent.yaml", out="third.txt"))
        three.type("What is the weather like?")
        await three.shows(SAID)
        assert tools.asked == ["Paris"]
        asked = last_chat(wire)
        assert b"You know the weather." in asked and b"rain" in asked

        (tmp_path / "instructions.txt").write_text("You know the tides.")
        three.type("And the tides?")
        await three.shows(SAID, 2)
        assert b"You know the tides." in last_chat(wire)
        assert await three.ends() == 0
        assert TOKEN not in three.text


async def test_the_whole_worker_takes_calls_before_a_livekit_server_and_a_saved_manifest_counts_for_the_next(
    tmp_path: Path, terminals: list[Terminal], livekit: LiveKit
) -> None:
    file, port = tmp_path / "agent.yaml", free_port()
    keys = {"LIVEKIT_API_KEY": livekit.key, "LIVEKIT_API_SECRET": livekit.secret, "TMPDIR": "/tmp"}
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<p>the call page</p>")
    async with provider_wire() as wire, aiohttp.ClientSession(f"http://localhost:{port}") as browser:
        file.write_text(manifest(wire.url))
        words = ("dev", "agent.yaml", "--browser", "--livekit-url", livekit.url, "--port", str(port))
        terminals.append(dev := Terminal(tmp_path, *words, "--page", "page", out="dev.txt", **keys))
        await dev.shows(f"Ready: call at http://localhost:{port} in a browser")

        async with browser.get("/") as answer:
            assert await answer.text() == "<p>the call page</p>"
        async with browser.get("/agents") as answer:
            listed = await answer.json()
        assert [(one["namespace"], one["name"], one["ready"]) for one in listed] == [("default", "receptionist", True)]
        async with browser.post("/token?agent=default/receptionist", json={}) as answer:
            assert answer.status == 201 and (await answer.json())["server_url"] == livekit.url
        async with browser.get("/token", headers={"Host": "elsewhere.test"}) as answer:
            assert answer.status == 403

        gateway = ("talk", "--wait", "120", "--gateway", f"http://localhost:{port}")
        terminals.append(one := Terminal(tmp_path, *gateway, "receptionist", out="one.txt"))
        await one.shows("agent: Hello, you ****.")
        one.type("What the shit?")
        await one.shows(f"agent: {SAID}")
        assert b"What the ****?" in last_chat(wire)
        assert await one.ends() == 0

        file.write_text(manifest(wire.url, greeting="Ahoy."))
        await dev.shows("(the manifest changed; the next call uses it)")
        terminals.append(two := Terminal(tmp_path, *gateway, "receptionist", out="two.txt"))
        await two.shows("agent: Ahoy.")
        assert await two.ends() == 0
        file.write_text("kind: Deployment\n")
        await dev.shows("The agent stays as it was.")
        terminals.append(three := Terminal(tmp_path, *gateway, "somebody", out="three.txt"))
        assert await three.ends() == 4
        assert "There is no VoiceAgent default/somebody here" in three.text

        terminals.append(four := Terminal(tmp_path, *gateway, out="four.txt"))
        await four.shows("agent: Ahoy.")
        await four.shows("(listening)")
        dev.interrupt()
        await four.shows("agent: I have to end our call for maintenance. Goodbye!")
        assert await dev.ends() == 0
        assert livekit.secret not in dev.text and "eyJ" not in dev.text


async def test_what_dev_lacks_is_told_in_a_sentence(tmp_path: Path, terminals: list[Terminal]) -> None:
    async def refused(code: int, told: str, *words: str) -> None:
        terminals.append(one := Terminal(tmp_path, "dev", *words))
        assert await one.ends() == code, one.text
        assert told in one.text

    (tmp_path / "agent.yaml").write_text(manifest("http://127.0.0.1:9"))
    await refused(4, "There is no file none.yaml.", "none.yaml")
    await refused(2, "add --browser", "agent.yaml", "--port", "8091")
    await refused(2, "two ways to talk", "agent.yaml", "--microphone", "--browser")
    await refused(3, "set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET to one", "agent.yaml", "--browser")
    # as on a machine that has the command line alone
    alone = (
        "import sys; sys.modules['voiceagent_worker'] = None; from voiceagent_cli.main import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", alone, "dev", "agent.yaml"],
        capture_output=True, text=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert done.returncode == 4
    assert "pip install ./crds ./agent_image" in done.stderr and "Traceback" not in done.stderr


async def test_a_machine_without_sound_is_told(tmp_path: Path, terminals: list[Terminal]) -> None:
    try:
        import sounddevice

        if len(sounddevice.query_devices()):
            pytest.skip("this machine has sound devices")
    except OSError:
        pass
    (tmp_path / "agent.yaml").write_text(manifest("http://127.0.0.1:9"))
    terminals.append(one := Terminal(tmp_path, "dev", "agent.yaml", "--microphone"))
    assert await one.ends() == 3
    assert "Talk in writing meanwhile, without --microphone." in one.text


def last_chat(wire: Wire) -> bytes:
    return next(bytes(body) for path, _, body in reversed(wire.asked) if "/chat" in path)
