"""From a VoiceAgent's manifest to the config of its worker, without cluster and operator.

What an install or Secrets would fill in comes from the environment: keys by the providers' own variables, and all
else that docs/worker.md lists. ConfigMaps and other Secrets are files beside the manifest.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from voiceagent_api.agent_config import (
    AgentConfig,
    McpServerConfig,
    PluginConfig,
    PluginWebhookConfig,
    ProviderConfig,
    ProvidersConfig,
)
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.conversation import McpServer, ModelChoice, Plugin, Providers
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


MCP_TOKEN: Final = "MCP_TOKEN"  # noqa: S105 (a key's name)
WEBHOOK_SECRET: Final = "WEBHOOK_SECRET"  # noqa: S105 (a key's name)
ReadFile = Callable[[Path], str | None]
"""The text of a file; None where there is none."""
Document = Mapping[str, Any]


def load_manifest(path: Path, environment: Mapping[str, str]) -> AgentConfig:
    """The config of a manifest, with what lies beside it. Raises ConfigurationError."""
    text = read_file(path)
    if text is None:
        raise ConfigurationError(f"The manifest {path} cannot be read (FileNotFoundError).")
    return config_of(text, str(path), environment, read_file)


def read_file(path: Path) -> str | None:
    """The file's text. Raises ConfigurationError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The file {path} cannot be read ({type(error).__name__}).") from error


def config_of(text: str, name: str, environment: Mapping[str, str], read: ReadFile = lambda _: None) -> AgentConfig:
    """The config of the first VoiceAgent of a manifest called `name`, whose neighbours are read by `read`.

    Raises ConfigurationError. Pure but for that.
    """
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
    neighbours = _Neighbours(name, documents, read)
    config = _config(spec, about.get("namespace") or "default", about.get("name") or "agent", neighbours)
    made = compose(config.model_dump(mode="json", by_alias=True, exclude_none=True), name, Layers(environment)).config
    if problems := unknown_plugins(made):
        raise ConfigurationError(" ".join(problems))
    return made


class _Neighbours:
    """What a manifest refers to: other documents of its file, and files of its folder."""

    def __init__(self, manifest: str, documents: Sequence[Document], read: ReadFile) -> None:
        self.manifest = manifest
        self._folder = Path(manifest).parent
        self._documents = documents
        self._read = read

    def instructions(self, spec: VoiceAgentSpec) -> str:
        """Those of the spec, of a ConfigMap of the same file, or of a file that is called as the ConfigMap's key."""
        if spec.instructions_from is None:
            return spec.instructions or ""
        wanted = spec.instructions_from.config_map_key_ref
        for document in self._documents:
            named = (document.get("metadata") or {}).get("name") == wanted.name
            if document.get("kind") == "ConfigMap" and named and wanted.key in (document.get("data") or {}):
                return str(document["data"][wanted.key])
        file = self._folder / wanted.key
        text = self._read(file)
        if text is None:
            raise ConfigurationError(
                f"The manifest {self.manifest} takes its instructions from the key {wanted.key} of the ConfigMap "
                f"{wanted.name}, which only a cluster has.",
                f"Write them into the file {file}, or put that ConfigMap into the manifest as a further document.",
            )
        return text

    def secret(self, name: str, key: str) -> str | None:
        """The file of a Secret's key, as it would be mounted: FOLDER/SECRET/KEY. None where there is none."""
        file = self.secret_file(name, key)
        return str(file.absolute()) if self._read(file) is not None else None

    def secret_file(self, name: str, key: str) -> Path:
        """Where it would be."""
        return self._folder / name / key


def _config(spec: VoiceAgentSpec, namespace: str, agent: str, neighbours: _Neighbours) -> AgentConfig:
    instructions = neighbours.instructions(spec)
    try:
        return AgentConfig(
            namespace=namespace,
            name=agent,
            agent_name=spec.agent_name or default_agent_name(namespace, agent),
            livekit_url=spec.livekit.url or NO_LIVEKIT,
            instructions=instructions,
            greeting=spec.greeting,
            language=spec.language,
            providers=_providers(spec.providers),
            turn_detection=spec.turn_detection,
            plugins=[_plugin(plugin, neighbours) for plugin in spec.plugins],
            mcp_servers=[_tool_server(server, neighbours) for server in spec.mcp_servers],
            max_session_seconds=spec.sessions.max_duration_seconds,
        )
    except ValidationError as error:
        raise ConfigurationError(f"The manifest {neighbours.manifest} is wrong: {error.errors()[0]['msg']}.") from error


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


def _plugin(plugin: Plugin, neighbours: _Neighbours) -> PluginConfig:
    webhook = None
    if plugin.webhook is not None:
        ref = plugin.webhook.secret_ref
        signed_by = neighbours.secret(ref.name, WEBHOOK_SECRET) if ref is not None else None
        webhook = PluginWebhookConfig(url=plugin.webhook.url, secret_path=signed_by)
    return PluginConfig(
        name=plugin.name,
        webhook=webhook,
        timeout_milliseconds=plugin.timeout_milliseconds,
        on_error=plugin.on_error,
        config=plugin.config,
    )


def _tool_server(server: McpServer, neighbours: _Neighbours) -> McpServerConfig:
    token: str | None = None
    if (ref := server.secret_ref) is not None:
        key = ref.key or MCP_TOKEN
        token = neighbours.secret(ref.name, key)
        if token is None:
            raise ConfigurationError(
                f'The tool server "{server.name}" wants the token {key} of the Secret {ref.name}, which only a cluster '
                "has.",
                f"Write it into the file {neighbours.secret_file(ref.name, key)}, or leave secretRef out meanwhile.",
            )
    return McpServerConfig(name=server.name, url=server.url, transport=server.transport, token_path=token)
