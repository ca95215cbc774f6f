"""The install's configuration: one YAML file, written by the chart, read by operator and gateway."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from voiceagent_api.base import Model
from voiceagent_api.gateway_settings import GatewaySettings
from voiceagent_api.prices import Prices


class InstallError(Exception):
    """The install's configuration cannot be used; the message says where and why."""


OptionalAddress = Annotated[str, Field(pattern=r"^$|^(https?|wss?)://[^\s/]+")]
"""An address, or nothing."""


class LiveKitDefaults(Model):
    """Used by VoiceAgents that name no LiveKit server of their own."""

    url: OptionalAddress = Field(default="", description="Address that worker pods and the gateway connect to.")
    public_url: OptionalAddress = Field(
        default="", alias="publicURL", description="Address that browsers are told; empty for url."
    )
    credentials_secret_name: Annotated[str, Field(min_length=1)] = Field(
        default="livekit", description="Secret with LIVEKIT_API_KEY and LIVEKIT_API_SECRET in each agent's namespace."
    )


class ProviderDefaults(Model):
    """Used by VoiceAgents that ask for this provider and say no more. Secrets are of the agent's own namespace."""

    base_url: OptionalAddress | None = Field(
        default=None, alias="baseURL", description="Address of a server that speaks the provider's protocol."
    )
    secret_name: str | None = Field(default=None, description="Secret with the provider's key.")
    secret_key: str | None = Field(default=None, description="Key in that Secret.")


class RedisSettings(Model):
    """Where gateways of many replicas keep what they have promised. The password is in the gateway's environment."""

    url: Annotated[str, Field(pattern=r"^$|^rediss?://[^\s/@]+(/\d+)?$")] = Field(
        default="",
        description="Address without user and password, for example redis://redis.cache:6379/0; empty for none.",
    )


class NetworkPolicyDefaults(Model):
    """Who may reach the worker pods of all agents."""

    enabled: bool = Field(default=True, description="Whether worker pods get a NetworkPolicy.")
    allowed_from: list[dict[str, Any]] = Field(
        default_factory=list, description="Who may reach them: peers as in a NetworkPolicy."
    )
    """Empty for anybody. The chart names operator, gateway and what its user adds."""


class RolloutDefaults(Model):
    """How changed pods come to the agents."""

    max_concurrent_agents: Annotated[int, Field(ge=1)] = Field(
        default=5, description="Agents that take in a changed default image at the same time."
    )
    progress_deadline_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=600,
        description="For how many seconds new pods may take to get ready before an agent is put back to the pods that "
        "it had.",
    )


class InstallConfig(Model):
    """Defaults of one install of the operator."""

    worker_image: str = "voiceagent-worker:dev"
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    livekit: LiveKitDefaults = LiveKitDefaults()
    providers: dict[str, ProviderDefaults] = Field(default_factory=dict)
    """By provider, or by kind and provider as `stt.openai`, which wins: a server of one's own may serve one only."""
    prices: Prices = Prices()
    gateway: GatewaySettings = GatewaySettings()
    redis: RedisSettings = RedisSettings()
    network_policy: NetworkPolicyDefaults = NetworkPolicyDefaults()
    rollout: RolloutDefaults = RolloutDefaults()

    def knows_provider(self, kind: str, provider: str) -> bool:
        """Whether the install names this provider: also one that only its own worker image has."""
        return f"{kind}.{provider}" in self.providers or provider in self.providers

    def provider_defaults(self, kind: str, provider: str) -> ProviderDefaults:
        """The defaults for a provider of a kind (stt, llm, tts)."""
        return self.providers.get(f"{kind}.{provider}") or self.providers.get(provider) or ProviderDefaults()


def load_install_config(path: Path) -> InstallConfig:
    """Read and check the install's file.

    Raises InstallError with the path and the field when it is missing or wrong.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InstallError(f"The install configuration {path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise InstallError(f"The install configuration {path} is not YAML: {error}.") from error
    try:
        return InstallConfig.model_validate(data or {})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InstallError(f"The install configuration {path} is wrong at {wrong}.") from error
