"""Fills in every default: VoiceAgent + install configuration + catalogue → a plan that leaves nothing open.

Pure. What cannot be filled in is a Hindrance, with the sentence that its user reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from voiceagent_api.catalogue import (
    ProviderEntry,
    ProviderKind,
    find_provider,
    unknown_plugin_sentence,
    unknown_provider_sentence,
)
from voiceagent_api.conversation import ModelChoice, Plugin, Providers
from voiceagent_api.install import CaBundle, InstallConfig, ProxySettings
from voiceagent_api.names import default_agent_name
from voiceagent_api.options import option_problems
from voiceagent_api.providers.entries import third_party_entry

from voiceagent_operator import reasons
from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.errors import Hindrance

PROVIDER_KINDS: tuple[ProviderKind, ...] = ("stt", "llm", "tts", "realtime")
MCP_TOKEN_KEY = "MCP_TOKEN"  # noqa: S105 (a key's name, not a secret)
WEBHOOK_SECRET_KEY = "WEBHOOK_SECRET"  # noqa: S105 (a key's name, not a secret)
REDIS_URL_KEY = "REDIS_URL"
MEMORY_PLUGIN = "conversation_memory"


@dataclass(frozen=True, slots=True)
class ProviderPlan:
    """One provider and where its keys are."""

    kind: ProviderKind
    provider: str
    model: str
    voice: str | None
    base_url: str | None
    secret_name: str | None
    """None where it needs no key and no Secret is named."""
    secret_key: str
    options: dict[str, Any]
    needed_keys: tuple[str, ...] = ()
    """Keys of the Secret without which it cannot serve."""
    further_keys: tuple[str, ...] = ()
    """Other keys that the Secret may hold, needed or not."""
    fallbacks: tuple["ProviderPlan", ...] = ()


@dataclass(frozen=True, slots=True)
class McpServerPlan:
    """One server of tools and where its token is."""

    name: str
    url: str
    transport: Literal["StreamableHTTP", "SSE"]
    secret_name: str | None
    secret_key: str


@dataclass(frozen=True, slots=True)
class PluginPlan:
    """One plugin, and where the secret of its webhook or of its store is, if it has one."""

    plugin: Plugin
    secret_name: str | None = None
    secret_key: str = WEBHOOK_SECRET_KEY


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to run for a VoiceAgent."""

    agent: VoiceAgent
    agent_name: str
    image: str
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"]
    livekit_url: str
    livekit_secret: str
    providers: tuple[ProviderPlan, ...]
    """In the order of a turn: stt, llm and tts, or a realtime one alone."""
    plugins: tuple[PluginPlan, ...]
    """In the order in which they are asked."""
    mcp_servers: tuple[McpServerPlan, ...]
    instructions: str
    proxy: ProxySettings
    ca_bundle: CaBundle

    @property
    def all_providers(self) -> tuple[ProviderPlan, ...]:
        """The providers, each with its fallbacks behind it."""
        return tuple(one for provider in self.providers for one in (provider, *provider.fallbacks))

    @property
    def mounted_secrets(self) -> tuple[str, ...]:
        """Names of the Secrets that hold keys of providers, webhooks and tool servers, each once."""
        parts: tuple[ProviderPlan | PluginPlan | McpServerPlan, ...] = (
            *self.all_providers,
            *self.plugins,
            *self.mcp_servers,
        )
        return tuple(sorted({part.secret_name for part in parts if part.secret_name}))

    @property
    def secrets(self) -> frozenset[str]:
        """Names of all Secrets that the agent's pods use."""
        return frozenset({*self.mounted_secrets, self.livekit_secret})


def resolve(agent: VoiceAgent, install: InstallConfig, instructions: str) -> Plan:
    """The plan for a VoiceAgent with its instructions, wherever those are kept.

    Raises Hindrance where a provider or plugin is not known or no LiveKit server is named anywhere.
    """
    _check_names(agent, install)
    spec = agent.spec
    return Plan(
        agent=agent,
        agent_name=spec.agent_name or default_agent_name(*agent.key),
        image=spec.image or install.worker_image,
        image_pull_policy=install.image_pull_policy,
        livekit_url=_livekit_url(agent, install),
        livekit_secret=(
            spec.livekit.credentials_secret_ref.name
            if spec.livekit.credentials_secret_ref
            else install.livekit.credentials_secret_name
        ),
        providers=tuple(_provider(kind, choice, agent, install) for kind, choice in _choices(spec.providers)),
        plugins=tuple(_plugin(plugin, agent, install) for plugin in spec.plugins),
        mcp_servers=tuple(
            McpServerPlan(
                name=server.name,
                url=server.url,
                transport=server.transport,
                secret_name=server.secret_ref.name if server.secret_ref else None,
                secret_key=(server.secret_ref.key if server.secret_ref else None) or MCP_TOKEN_KEY,
            )
            for server in spec.mcp_servers
        ),
        instructions=instructions,
        proxy=install.proxy,
        ca_bundle=install.ca_bundle,
    )


def _choices(providers: Providers) -> Iterator[tuple[ProviderKind, ModelChoice]]:
    for kind in PROVIDER_KINDS:
        choice: ModelChoice | None = getattr(providers, kind)
        if choice is not None:
            yield kind, choice


def _check_names(agent: VoiceAgent, install: InstallConfig) -> None:
    unknown = [
        unknown_provider_sentence(kind, one.provider, kind if place is None else f"{kind}.fallbacks[{place}]")
        for kind, choice in _choices(agent.spec.providers)
        for place, one in ((None, choice), *enumerate(_fallbacks(choice)))
        if _entry(kind, one, agent, install) is None
    ]
    if unknown:
        raise Hindrance(reasons.UNKNOWN_PROVIDER, " ".join(unknown))
    if agent.spec.image:
        # an image of one's own may bring plugins; its worker says which it lacks
        return
    plugins = [unknown_plugin_sentence(plugin.name) for plugin in agent.spec.plugins if plugin.webhook is None]
    if any(plugins):
        raise Hindrance(reasons.UNKNOWN_PLUGIN, " ".join(sentence for sentence in plugins if sentence))


def _plugin(plugin: Plugin, agent: VoiceAgent, install: InstallConfig) -> PluginPlan:
    if plugin.webhook is not None:
        secret = plugin.webhook.secret_ref
        return PluginPlan(plugin, secret.name if secret else None)
    store = install.redis.memory_secret_name
    if not store or plugin.name != MEMORY_PLUGIN or _has_own_store(plugin, agent):
        return PluginPlan(plugin)
    return PluginPlan(plugin, store, REDIS_URL_KEY)


def _has_own_store(plugin: Plugin, agent: VoiceAgent) -> bool:
    in_environment = any(variable.name == REDIS_URL_KEY for variable in agent.spec.pod_template.env)
    return in_environment or bool({"redisURLFile", "path"} & set(plugin.config))


def _fallbacks(choice: ModelChoice) -> tuple[ModelChoice, ...]:
    return tuple(getattr(choice, "fallbacks", ()))


def _livekit_url(agent: VoiceAgent, install: InstallConfig) -> str:
    url = agent.spec.livekit.url or install.livekit.url
    if not url:
        raise Hindrance(
            reasons.LIVEKIT_URL_MISSING,
            "No LiveKit server is named: set spec.livekit.url, or livekit.url in the configuration of the operator's "
            "install for all agents.",
        )
    return url


def _entry(kind: ProviderKind, wanted: ModelChoice, agent: VoiceAgent, install: InstallConfig) -> ProviderEntry | None:
    """The catalogue's entry, or one of a provider that the catalogue does not know and the image may have.

    An image of one's own may bring providers, which only its pods can judge: they say so by ConfigSynced.
    """
    entry = find_provider(kind, wanted.provider)
    if entry is not None or not (agent.spec.image or install.knows_provider(kind, wanted.provider)):
        return entry
    return third_party_entry(kind, wanted.provider)


def _provider(kind: ProviderKind, wanted: ModelChoice, agent: VoiceAgent, install: InstallConfig) -> ProviderPlan:
    entry = _entry(kind, wanted, agent, install)
    if entry is None:
        raise Hindrance(reasons.UNKNOWN_PROVIDER, unknown_provider_sentence(kind, wanted.provider))
    defaults = install.provider_defaults(kind, wanted.provider)
    base_url = wanted.base_url or defaults.base_url
    # an image of one's own may have other options
    problems = [] if agent.spec.image else option_problems(entry, wanted.options)
    if entry.needs_base_url and not base_url:
        problems.append(f'The {kind} provider "{entry.name}" has no address of its own: set its baseURL.')
    if problems:
        raise Hindrance(reasons.INVALID_PROVIDER, " ".join(problems))
    secret = wanted.credentials_secret_ref
    usual_key = defaults.secret_key or entry.credential_key
    secret_key = (secret.key or entry.credential_key) if secret else usual_key
    named = secret.name if secret else defaults.secret_name
    further = entry.credentials[1:]
    options = frozenset(wanted.options)
    # who names a Secret means it, whether or not the provider could do without
    key_needed = bool(named and entry.key_optional) or entry.credentials[0].needed(base_url, options)
    return ProviderPlan(
        kind=kind,
        provider=wanted.provider,
        model=wanted.model or entry.default_model,
        voice=getattr(wanted, "voice", None),
        base_url=base_url,
        secret_name=named or (None if entry.key_optional else wanted.provider),
        secret_key=secret_key,
        options=wanted.options,
        needed_keys=(
            *((secret_key,) if key_needed else ()),
            *(credential.key for credential in further if credential.needed(base_url, options)),
        ),
        further_keys=tuple(credential.key for credential in further),
        fallbacks=tuple(_provider(kind, fallback, agent, install) for fallback in _fallbacks(wanted)),
    )
