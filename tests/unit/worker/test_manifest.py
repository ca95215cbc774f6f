"""A manifest becomes a worker's config without cluster and operator."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.manifest import NO_LIVEKIT, config_of

EXAMPLE = Path(__file__).parents[3] / "crds" / "examples" / "receptionist.yaml"
PROVIDERS: dict[str, Any] = {
    "stt": {"provider": "deepgram"},
    "llm": {"provider": "openai", "options": {"temperature": 0.2}, "fallbacks": [{"provider": "anthropic"}]},
    "tts": {"provider": "openai", "voice": "alloy"},
}


def text(**spec: Any) -> str:
    whole = {"instructions": "You answer the phone.", "providers": PROVIDERS, **spec}
    agent = {"kind": "VoiceAgent", "metadata": {"name": "desk", "namespace": "clinic"}, "spec": whole}
    return yaml.safe_dump_all([{"kind": "Secret"}, agent])


def test_what_a_manifest_leaves_out_is_the_catalogues_and_keys_are_the_environments() -> None:
    config = config_of(text(plugins=[{"name": "example", "onError": "Fail"}]), "a.yaml", {"OPENAI_API_KEY": "sk-1"})
    assert (config.namespace, config.name, config.agent_name) == ("clinic", "desk", "clinic-desk")
    assert config.livekit_url == NO_LIVEKIT
    llm, stt = config.providers.llm, config.providers.stt
    assert llm is not None and stt is not None
    assert llm.model and stt.model and llm.fallbacks[0].model
    assert llm.options == {"temperature": 0.2}
    assert (llm.credentials_env, stt.credentials_env) == ("OPENAI_API_KEY", None)
    assert [(one.name, one.on_error) for one in config.plugins] == [("example", "Fail")]
    assert "sk-1" not in config.to_json()


def test_the_example_manifest_can_be_tried() -> None:
    config = config_of(EXAMPLE.read_text(encoding="utf-8"), EXAMPLE.name, {})
    assert config.name == "receptionist" and config.greeting


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ("a: [", "is not YAML"),
        ("kind: Deployment", "has no VoiceAgent"),
        (text(language="not a language"), "spec.language"),
        (text(providers={**PROVIDERS, "llm": {"provider": "opnai"}}), 'Did you mean "openai"'),
        (text(plugins=[{"name": "profanity_filtre"}]), 'Did you mean "profanity_filter"'),
        (
            text(instructions=None, instructionsFrom={"configMapKeyRef": {"name": "a", "key": "b"}}),
            "Write them into the file b, or put that ConfigMap into the manifest as a further document.",
        ),
        (text(providers={"llm": {"provider": "openai"}}), "stt, llm and tts are needed"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_told_with_the_place(manifest: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        config_of(manifest, "a.yaml", {})
    assert told in str(error.value)


def test_what_a_manifest_refers_to_is_beside_it() -> None:
    folder = Path("/agents")
    files = {
        folder / "instructions.txt": "You know the tides.",
        folder / "crm/WEBHOOK_SECRET": "s",
        folder / "sky/TOKEN": "t",
    }
    taken = {"configMapKeyRef": {"name": "sea", "key": "instructions.txt"}}
    hooks = [
        {"name": name, "webhook": {"url": "https://crm.test", "secretRef": {"name": name}}} for name in ("crm", "erp")
    ]
    servers = [
        {"name": "sky", "url": "https://sky.test/mcp", "secretRef": {"name": "sky", "key": "TOKEN"}},
        {"name": "open", "url": "https://open.test/mcp", "transport": "SSE"},
    ]
    manifest = text(instructions=None, instructionsFrom=taken, plugins=hooks, mcpServers=servers)
    config = config_of(manifest, "/agents/a.yaml", {}, files.get)
    assert config.instructions == "You know the tides."
    signed = [one.webhook.secret_path for one in config.plugins if one.webhook]
    assert signed == ["/agents/crm/WEBHOOK_SECRET", None]
    tools = [(one.name, one.transport, one.token_path) for one in config.mcp_servers]
    assert tools == [("sky", "StreamableHTTP", "/agents/sky/TOKEN"), ("open", "SSE", None)]

    sea = yaml.safe_dump(
        {"kind": "ConfigMap", "metadata": {"name": "sea"}, "data": {"instructions.txt": "You know the wind."}}
    )
    assert config_of(f"{manifest}---\n{sea}", "/agents/a.yaml", {}, files.get).instructions == "You know the wind."
    del files[folder / "sky/TOKEN"]
    with pytest.raises(ConfigurationError) as error:
        config_of(manifest, "/agents/a.yaml", {}, files.get)
    assert "Write it into the file /agents/sky/TOKEN" in str(error.value)
