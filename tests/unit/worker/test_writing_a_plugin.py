"""docs/writing-a-plugin.md: its package is installed by pip and its webhook runs, and calls use them."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_blocks import block
from processes import Processes, free_port
from voiceagent_worker.errors import PluginError
from voiceagent_worker.plugins.context import PluginContext
from voiceagent_worker.plugins.webhook import Webhook

PAGE = "writing-a-plugin.md"
SAID = "My card is 4242 4242 4242 4242, thanks."
CLEANED = "My card is (number), thanks."
SECRET = "a-secret-of-the-page"

CALL = """
import asyncio, json, sys
from voiceagent_api.agent_config import AgentConfig
from voiceagent_worker.logs import Redactor
from voiceagent_worker.plugins.context import PluginContext
from voiceagent_worker.plugins.loading import make_steps, unknown_plugins
from voiceagent_worker.plugins.shared import SharedBreakers

counted = []
class Context(PluginContext):
    def count(self, name): counted.append(name)

one = {"provider": "openai", "model": "m", "baseURL": "http://127.0.0.1:9/v1"}
config = AgentConfig.model_validate({
    "namespace": "default", "name": "receptionist", "agentName": "a", "livekitURL": "ws://livekit:7880",
    "instructions": "You answer the phone.", "providers": {"stt": one, "llm": one, "tts": one},
    "plugins": [{"name": "long_numbers", "config": json.loads(sys.argv[1])}],
})
assert not unknown_plugins(config), unknown_plugins(config)
(step,) = make_steps(config, Redactor(), BREAKERS)
print(json.dumps([asyncio.run(step.plugin.process_message(sys.argv[2], Context({"state": {}}))), counted]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's two files as a package, in a folder of its own."""
    folder = tmp_path_factory.mktemp("acme")
    package = folder / "acme-plugins"
    package.mkdir()
    (package / "pyproject.toml").write_text(block(PAGE, "toml", "acme-plugins"), encoding="utf-8")
    (package / "acme_plugins.py").write_text(block(PAGE, "python", "class LongNumbers"), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    where = ["--disable-pip-version-check", "--target", str(folder / "site"), str(package)]
    done = subprocess.run([*command, *where], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def called(installed: Path, config: dict[str, object], said: str) -> list[object]:
    """What a process that has the package makes of a message, and what was counted."""
    program = CALL.replace("BREAKERS", "SharedBreakers('a', lambda told: None, {})")
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(config), said],
        env={**os.environ, "PYTHONPATH": str(installed)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: list[object] = json.loads(done.stdout)
    return answer


def test_the_package_is_found_by_its_entry_point_and_does_its_work(installed: Path) -> None:
    assert called(installed, {"digits": 12}, SAID) == [CLEANED, ["numbers"]]
    assert called(installed, {}, "Come at 12:30.") == ["Come at 12:30.", []]
    assert called(installed, {"digits": 4, "replacement": "***"}, "Room 4711") == ["Room ***", ["numbers"]]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[str]:
    """The page's program, as a process."""
    (tmp_path / "receiver.py").write_text(block(PAGE, "python", "class Receiver"), encoding="utf-8")
    port, processes = free_port(), Processes(tmp_path)
    program = f"import os,runpy; os.environ.update(PORT='{port}', WEBHOOK_SECRET='{SECRET}'); "
    processes.start("receiver", sys.executable, "-c", program + "runpy.run_path('receiver.py', run_name='__main__')")
    yield f"http://127.0.0.1:{port}/voice"
    processes.stop()


async def test_the_webhook_answers_those_who_know_the_secret(receiver: str) -> None:
    context = PluginContext(
        {
            "direction": "user",
            "session": "s",
            "room": "r",
            "agent": "default/a",
            "caller": "ann",
            "language": "en",
            "turn": 1,
        }
    )
    ours = Webhook("numbers", receiver, 20, SECRET.encode())
    assert await _patiently(ours, SAID, context) == CLEANED
    assert await ours.process_message("Good morning.", context) == "Good morning."
    assert await ours.process_message(SAID, context) == CLEANED
    await ours.on_session_end(context)

    stranger = Webhook("numbers", receiver, 20, b"another")
    with pytest.raises(PluginError, match="401"):
        await stranger.process_message(SAID, context)
    await stranger.on_session_end(context)


async def _patiently(plugin: Webhook, message: str, context: PluginContext) -> str:
    for _ in range(300):
        try:
            return await plugin.process_message(message, context)
        except PluginError as error:
            assert "401" not in str(error)
            await asyncio.sleep(0.1)
    return await plugin.process_message(message, context)
