"""An agent is talked to in writing by its manifest alone, and a saved manifest counts from the next message on."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from provider_wire import SAID, Wire, provider_wire
from worker_process import until

SECRET = "sk-this-must-never-be-seen"


class Terminal:
    """The program, and what it printed."""

    def __init__(self, manifest: Path, folder: Path) -> None:
        self._out = folder / "out.txt"
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "OPENAI_API_KEY": SECRET}
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "voiceagent_worker", "dev", str(manifest)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                env={**environment, "PYTHONUNBUFFERED": "1"},
            )

    @property
    def text(self) -> str:
        return self._out.read_text()

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    async def shows(self, words: str, times: int = 1) -> None:
        async def shown() -> bool:
            return self.text.count(words) >= times

        await until(shown, 60.0, f"{words!r} in {self.text}")


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
        one.process.kill()
        one.process.wait()


async def test_typed_words_and_answers_meet_the_plugins_and_a_saved_manifest_counts(
    tmp_path: Path, terminals: list[Terminal]
) -> None:
    file = tmp_path / "agent.yaml"
    async with provider_wire() as wire:
        file.write_text(manifest(wire.url))
        terminals.append(one := Terminal(file, tmp_path))
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
        assert one.process.stdin is not None
        one.process.stdin.close()

        async def over() -> bool:
            return one.process.poll() is not None

        await until(over, 60.0, f"the end of {one.text}")
    assert one.process.returncode == 0
    assert SECRET not in one.text and "Traceback" not in one.text


async def test_a_manifest_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, terminals: list[Terminal]) -> None:
    file = tmp_path / "agent.yaml"
    file.write_text("kind: Deployment\n")
    terminals.append(one := Terminal(file, tmp_path))

    async def over() -> bool:
        return one.process.poll() is not None

    await until(over, 60.0, "the end")
    assert one.process.returncode == 2
    assert one.text == f"The manifest {file} has no VoiceAgent. Give a file with `kind: VoiceAgent`.\n"


def last_chat(wire: Wire) -> bytes:
    return next(bytes(body) for path, _, body in reversed(wire.asked) if "/chat" in path)
