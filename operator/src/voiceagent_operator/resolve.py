"""Fills in every default: VoiceAgent + install configuration + catalogue → a plan that leaves nothing open.

Pure. What cannot be filled in is a Hindrance, with the sentence that its user reads.
"""

from dataclasses import dataclass
from typing import Any, Literal

from voiceagent_api.catalogue import ProviderKind, find_provider, unknown_provider_sentence
from voiceagent_api.install import InstallConfig
from voiceagent_api.names import default_agent_name
from voiceagent_api.voiceagent import Provider, Providers, TtsProvider

from voiceagent_operator import reasons
from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.errors import Hindrance

PROVIDER_KINDS: tuple[ProviderKind, ...] = ("stt", "llm", "tts")


@dataclass(frozen=True, slots=True)
class ProviderPlan:
    """One provider and where its key is."""

    kind: ProviderKind
    provider: str
    model: str
    voice: str | None
    base_url: str | None
    secret_name: str
    secret_key: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to run for a VoiceAgent."""

    agent: VoiceAgent
    agent_name: str
    image: str
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"]
    livekit_url: str
    livekit_secret: str
    stt: ProviderPlan
    llm: ProviderPlan
    tts: ProviderPlan

    @property
    def providers(self) -> tuple[ProviderPlan, ...]:
        """The providers in the order of a turn."""
        return (self.stt, self.llm, self.tts)

    @property
    def provider_secrets(self) -> tuple[str, ...]:
        """Names of the Secrets that hold the providers' keys, each once."""
        return tuple(sorted({provider.secret_name for provider in self.providers}))

    @property
    def secrets(self) -> frozenset[str]:
        """Names of all Secrets that the agent's pods use."""
        return frozenset({*self.provider_secrets, self.livekit_secret})


def resolve(agent: VoiceAgent, install: InstallConfig) -> Plan:
    """The plan for a VoiceAgent.

    Raises Hindrance where a provider is not known or no LiveKit server is named anywhere.
    """
    _check_providers(agent.spec.providers)
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
        stt=_provider("stt", spec.providers.stt, install),
        llm=_provider("llm", spec.providers.llm, install),
        tts=_provider("tts", spec.providers.tts, install),
    )


def _check_providers(providers: Providers) -> None:
    unknown = [
        unknown_provider_sentence(kind, name)
        for kind in PROVIDER_KINDS
        if find_provider(kind, name := getattr(providers, kind).provider) is None
    ]
    if unknown:
        raise Hindrance(reasons.UNKNOWN_PROVIDER, " ".join(unknown))


def _livekit_url(agent: VoiceAgent, install: InstallConfig) -> str:
    url = agent.spec.livekit.url or install.livekit.url
    if not url:
        raise Hindrance(
            reasons.LIVEKIT_URL_MISSING,
            "No LiveKit server is named: set spec.livekit.url, or livekit.url in the configuration of the operator's "
            "install for all agents.",
        )
    return url


def _provider(kind: ProviderKind, wanted: Provider, install: InstallConfig) -> ProviderPlan:
    entry = find_provider(kind, wanted.provider)
    if entry is None:
        raise Hindrance(reasons.UNKNOWN_PROVIDER, unknown_provider_sentence(kind, wanted.provider))
    defaults = install.provider_defaults(kind, wanted.provider)
    secret = wanted.credentials_secret_ref
    usual_key = defaults.secret_key or entry.credential_key
    return ProviderPlan(
        kind=kind,
        provider=wanted.provider,
        model=wanted.model or entry.default_model,
        voice=wanted.voice if isinstance(wanted, TtsProvider) else None,
        base_url=wanted.base_url or defaults.base_url,
        secret_name=secret.name if secret else defaults.secret_name or wanted.provider,
        secret_key=(secret.key or entry.credential_key) if secret else usual_key,
        options=wanted.options,
    )
