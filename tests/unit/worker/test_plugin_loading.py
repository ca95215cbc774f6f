"""Plugins are made as the config says, also those of other packages."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from voiceagent_api.agent_config import AgentConfig, PluginConfig
from voiceagent_api.catalogue import PLUGINS
from voiceagent_worker.logs import Redactor
from voiceagent_worker.plugins.loading import make_steps, plugin_modules, unknown_plugins
from voiceagent_worker.plugins.shared import SharedBreakers
from voiceagent_worker.plugins.webhook import Webhook

ALONE = SharedBreakers("a", lambda _: None, {})
PROVIDER = {"provider": "openai", "model": "m", "baseURL": "http://127.0.0.1:9/v1"}
THIRD_PARTY = '''
class Original:
    """As the original's plugins were: no base class of ours, no parameters."""

    async def process_message(self, message, context):
        return message.upper()

    def get_name(self):
        return "shouting"

    def is_enabled(self):
        return True


class Lacking:
    pass
'''


def config(*plugins: dict[str, Any]) -> AgentConfig:
    return AgentConfig.model_validate(
        {
            "namespace": "default",
            "name": "receptionist",
            "agentName": "a",
            "livekitURL": "ws://livekit:7880",
            "instructions": "You answer the phone.",
            "providers": {"stt": PROVIDER, "llm": PROVIDER, "tts": PROVIDER},
            "plugins": list(plugins),
        }
    )


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package as pip would install it."""
    (tmp_path / "shouting_plugin.py").write_text(THIRD_PARTY)
    about = tmp_path / "shouting-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n")
    points = "shouting = shouting_plugin:Original\nlacking = shouting_plugin:Lacking\ngone = no_such_module:X\n"
    (about / "entry_points.txt").write_text(f"[voiceagent.plugins]\n{points}")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("shouting_plugin", None)


@pytest.mark.parametrize("entry", PLUGINS, ids=lambda entry: entry.name)
def test_every_plugin_of_the_catalogue_can_be_made_and_bears_its_name(entry: Any) -> None:
    (step,) = make_steps(config({"name": entry.name}), Redactor(), ALONE)
    assert type(step.plugin).__module__ == entry.factory.partition(":")[0]
    assert (step.plugin.get_name(), step.plugin.is_enabled()) == (entry.name, True)


def test_policy_timeout_and_order_are_those_of_the_config() -> None:
    made = make_steps(
        config({"name": "example", "timeoutMilliseconds": 50, "onError": "Fail"}, {"name": "profanity_filter"}),
        Redactor(),
        ALONE,
    )
    assert [(s.name, s.timeout_seconds, s.must_succeed) for s in made] == [
        ("example", 0.05, True),
        ("profanity_filter", 0.2, False),
    ]


async def test_another_packages_plugin_in_the_originals_form_is_used_unchanged(third_party: None) -> None:
    (step,) = make_steps(config({"name": "shouting"}), Redactor(), ALONE)
    assert await step.plugin.process_message("hello", {}) == "HELLO"
    assert unknown_plugins(config({"name": "shouting"})) == []


def test_a_plugin_that_the_image_lacks_is_told_with_those_that_it_has(third_party: None) -> None:
    (sentence,) = unknown_plugins(config({"name": "shoutin"}, {"name": "example"}))
    assert 'spec.plugins "shoutin" is not known' in sentence and 'Did you mean "shouting"?' in sentence
    assert "profanity_filter" in sentence


@pytest.mark.parametrize(
    ("plugin", "told"),
    [
        ({"name": "lacking"}, "lacks process_message, get_name, is_enabled"),
        ({"name": "gone"}, "needs no_such_module"),
        ({"name": "shouting", "config": {"loud": True}}, "does not take this config"),
        ({"name": "profanity_filter", "config": {"mask": "dots"}}, "refuses its config: mask 'dots'"),
        ({"name": "profanity_filter", "config": {"masc": "stars"}}, "does not take this config"),
        ({"name": "crm", "webhook": {"url": "http://crm", "secretPath": "/nonexistent/WEBHOOK_SECRET"}}, "is missing"),
    ],
)
async def test_a_plugin_that_cannot_be_made_fails_at_each_message_with_the_reason(
    third_party: None, plugin: dict[str, Any], told: str
) -> None:
    (step,) = make_steps(config(plugin), Redactor(), ALONE)
    assert step.plugin.is_enabled() and step.plugin.filter_live("words") is None
    with pytest.raises(Exception, match=told):
        await step.plugin.process_message("hello", {})


def test_a_webhooks_secret_is_read_and_kept_out_of_logs(tmp_path: Path) -> None:
    (tmp_path / "WEBHOOK_SECRET").write_text("a-secret-of-webhooks\n")
    redactor = Redactor()
    plugin = {"name": "crm", "webhook": {"url": "http://crm", "secretPath": str(tmp_path / "WEBHOOK_SECRET")}}
    (step,) = make_steps(config(plugin), redactor, ALONE)
    assert isinstance(step.plugin, Webhook) and step.plugin.get_name() == "crm"
    assert redactor("it was a-secret-of-webhooks") == "it was [secret]"


def test_the_modules_of_plugins_are_known_beforehand_and_can_be_imported() -> None:
    modules = plugin_modules(
        config(*({"name": entry.name} for entry in PLUGINS), {"name": "a", "webhook": {"url": "http://a"}})
    )
    assert len(modules) == len(PLUGINS) + 1
    for module in modules:
        __import__(module)


def test_a_plugins_config_defaults() -> None:
    assert PluginConfig(name="a").timeout_milliseconds == 200
