"""Reading, checking and watching the agent's config file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from voiceagent_api.agent_config import AgentConfig, config_revision
from voiceagent_worker.config import ConfigWatcher, load_config, read_accepted
from voiceagent_worker.errors import ConfigurationError

Agent = dict[str, Any]


@pytest.fixture
def agent() -> Agent:
    def provider(name: str, model: str) -> dict[str, str]:
        return {"provider": name, "model": model, "credentialsPath": f"/secrets/{name}"}

    return {
        "namespace": "default",
        "name": "receptionist",
        "agentName": "default-receptionist",
        "livekitURL": "ws://livekit:7880",
        "instructions": "You answer the phone.",
        "providers": {
            "stt": provider("deepgram", "nova-3"),
            "llm": provider("openai", "gpt-4o-mini"),
            "tts": provider("openai", "tts-1"),
        },
    }


class Mount:
    """A folder as the kubelet mounts a ConfigMap: `agent.json` → `..data/agent.json`, and `..data` is swapped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._version = 0
        self.path = folder / "agent.json"

    def publish(self, text: str) -> None:
        self._version += 1
        version = self._folder / f"..version_{self._version}"
        version.mkdir()
        (version / "agent.json").write_text(text)
        link = self._folder / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(self._folder / "..data")
        if not self.path.is_symlink():
            self.path.symlink_to(Path("..data", "agent.json"))


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    return Mount(tmp_path)


@pytest.fixture
def watch(mount: Mount, tmp_path: Path, agent: Agent) -> Callable[[], ConfigWatcher]:
    mount.publish(json.dumps(agent))
    return lambda: ConfigWatcher(mount.path, tmp_path / "accepted.json", load_config(mount.path))


def test_config_is_read_with_its_defaults_and_the_operators_revision(mount: Mount, agent: Agent) -> None:
    text = AgentConfig.model_validate(agent).to_json()
    mount.publish(text)
    loaded = load_config(mount.path)
    assert loaded.config.language == "en"
    assert loaded.config.providers.llm.provider == "openai"
    assert loaded.revision == config_revision(text)


def test_unchanged_file_is_no_news(watch: Callable[[], ConfigWatcher]) -> None:
    assert watch().check() is False


def test_swapped_file_is_taken_over_and_copied_for_the_calls(
    watch: Callable[[], ConfigWatcher], mount: Mount, agent: Agent, tmp_path: Path
) -> None:
    watcher = watch()
    changed = json.dumps({**agent, "instructions": "You sell flowers."})
    mount.publish(changed)
    assert watcher.check() is True
    assert watcher.error is None
    assert watcher.current.config.instructions == "You sell flowers."
    assert watcher.current.revision == config_revision(changed)
    assert read_accepted(tmp_path / "accepted.json").revision == config_revision(changed)
    assert watcher.check() is False


def test_bad_file_is_refused_the_last_good_stays_and_a_good_one_heals(
    watch: Callable[[], ConfigWatcher], mount: Mount, agent: Agent, tmp_path: Path
) -> None:
    watcher = watch()
    good = watcher.current
    mount.publish("{")
    assert watcher.check() is True
    assert watcher.error is not None
    assert "is not JSON" in watcher.error and "last good config stays" in watcher.error
    assert watcher.current is good
    assert read_accepted(tmp_path / "accepted.json").revision == good.revision
    assert watcher.check() is False

    mount.publish(json.dumps({**agent, "greeting": "Hello!"}))
    assert watcher.check() is True
    assert watcher.error is None
    assert watcher.current.config.greeting == "Hello!"


def test_vanished_file_is_an_error_and_its_return_heals(
    watch: Callable[[], ConfigWatcher], mount: Mount, agent: Agent
) -> None:
    watcher = watch()
    mount.path.unlink()
    assert watcher.check() is True
    assert watcher.error is not None and "does not exist" in watcher.error
    mount.publish(json.dumps(agent))
    assert watcher.check() is True
    assert watcher.error is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("agentName", "other"), ("livekitURL", "ws://other:7880"), ("name", "other"), ("drainTimeoutSeconds", 7)],
)
def test_change_that_needs_a_new_pod_is_refused_with_the_fields_name(
    watch: Callable[[], ConfigWatcher], mount: Mount, agent: Agent, field: str, value: object
) -> None:
    watcher = watch()
    mount.publish(json.dumps({**agent, field: value}))
    assert watcher.check() is True
    assert watcher.error is not None and f"changes {field}, which needs a new pod" in watcher.error


def test_error_says_where_in_the_file_and_shows_no_values(mount: Mount, agent: Agent) -> None:
    agent["providers"]["llm"] = {"provider": "openai", "model": {"secret": "sk-oops"}}
    del agent["instructions"]
    mount.publish(json.dumps(agent))
    with pytest.raises(ConfigurationError) as error:
        load_config(mount.path)
    assert "instructions: Field required" in str(error.value)
    assert "providers.llm.model" in str(error.value)
    assert "sk-oops" not in str(error.value)
