"""From a VoiceAgent's manifest to the config of its worker, without cluster and operator.

What an install or Secrets would fill in comes from the environment: keys by the providers' own variables, and all
else that docs/worker.md lists.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from voiceagent_api.agent_config import AgentConfig, PluginConfig, PluginWebhookConfig, ProviderConfig, ProvidersConfig
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.conversation import ModelChoice, Plugin, Providers
from voiceagent_api.names import default_agent_name
from voiceagent_api.voiceagent import VoiceAgentSpec

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.layers import Layers, compose
from voiceagent_worker.plugins.loading import unknown_plugins
from voiceagent_worker.registry import find_entry, unknown_sentence

KIND: Final = "VoiceAgent"
NO_LIVEKIT: Final = "ws://localhost:7880"
"""Where neither manifest nor environment names a server: a conversation in writing needs none."""
KINDS: Final[tuple[ProviderKind, ...]] = ("stt", "llm", "tts", "realtime")


def read_manifest(path: Path) -> str:
    """The file's text. Raises ConfigurationError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The manifest {path} cannot be read ({type(error).__name__}).") from error


def config_of(text: str, name: str, environment: Mapping[str, str]) -> AgentConfig:
    """The config of the first VoiceAgent of a manifest called `name`. Raises ConfigurationError. Pure."""
    try:
        documents = [one for one in yaml.safe_load_all(text) if isinstance(one, dict)]
    except yaml.YAMLError as error:
        raise ConfigurationError(f"The manifest {name} is not YAML: {error}") from error
    body = next((one for one in documents if one.get("kind") == KIND), None)
    if body is None:
        raise ConfigurationError(f"The manifest {name} has no {KIND}.", f"Give a file with `kind: {KIND}`.")
    try:
        spec = VoiceAgentSpec.model_validate(body.get("spec") or {})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, ('spec', *one['loc'])))}: {one['msg']}" for one in error.errors())
        raise ConfigurationError(f"The manifest {name} is wrong at {wrong}.") from error
    about = body.get("metadata") or {}
    config = _config(spec, about.get("namespace") or "default", about.get("name") or "agent", name)
    made = compose(config.model_dump(mode="json", by_alias=True, exclude_none=True), name, Layers(environment)).config
    if problems := unknown_plugins(made):
        raise ConfigurationError(" ".join(problems))
    return made


def _config(spec: VoiceAgentSpec, namespace: str, agent: str, file: str) -> AgentConfig:
    if spec.instructions is None:
        raise ConfigurationError(
            f"The manifest {file} takes its instructions from a ConfigMap, which only a cluster has.",
            "Write them into spec.instructions meanwhile.",
        )
    try:
        return AgentConfig(
            namespace=namespace,
            name=agent,
            agent_name=spec.agent_name or default_agent_name(namespace, agent),
            livekit_url=spec.livekit.url or NO_LIVEKIT,
            instructions=spec.instructions,
            greeting=spec.greeting,
            language=spec.language,
            providers=_providers(spec.providers),
            turn_detection=spec.turn_detection,
            plugins=[_plugin(plugin) for plugin in spec.plugins],
        )
    except ValidationError as error:
        raise ConfigurationError(f"The manifest {file} is wrong: {error.errors()[0]['msg']}.") from error


def _providers(providers: Providers) -> ProvidersConfig:
    chosen: dict[str, Any] = {}
    for kind in KINDS:
        choice: ModelChoice | None = getattr(providers, kind)
        if choice is not None:
            fallbacks = [_provider(kind, one) for one in getattr(choice, "fallbacks", ())]
            chosen[kind] = _provider(kind, choice).model_copy(update={"fallbacks": fallbacks})
    return ProvidersConfig(**chosen)


def _provider(kind: ProviderKind, choice: ModelChoice) -> ProviderConfig:
    entry = find_entry(kind, choice.provider)
    if entry is None:
        raise ConfigurationError(unknown_sentence(kind, choice.provider))
    return ProviderConfig(
        provider=choice.provider,
        model=choice.model or entry.default_model,
        voice=getattr(choice, "voice", None),
        base_url=choice.base_url,
        options=choice.options,
    )


def _plugin(plugin: Plugin) -> PluginConfig:
    return PluginConfig(
        name=plugin.name,
        webhook=PluginWebhookConfig(url=plugin.webhook.url) if plugin.webhook else None,
        timeout_milliseconds=plugin.timeout_milliseconds,
        on_error=plugin.on_error,
        config=plugin.config,
    )
