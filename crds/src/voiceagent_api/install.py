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
ProxyAddress = Annotated[str, Field(pattern=r"^$|^https?://[^\s/?#@]+/?$")]
"""A proxy without user and password, which would be in a ConfigMap and in every pod's description."""
NEVER_BY_PROXY = ("localhost", "127.0.0.1", ".svc", ".cluster.local")
"""Pods and Services of the cluster, by their full names."""


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
    memory_secret_name: str = Field(
        default="",
        description="Secret of each agent's namespace whose key REDIS_URL is the address, with user and password, of "
        "the Redis in which the plugin conversation_memory remembers callers; empty for none. Not the gateways' own "
        "user: an agent's image may read what that one may read.",
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


class ProxySettings(Model):
    """Through which HTTP proxy programs reach what is outside the cluster."""

    http: ProxyAddress = Field(default="", description="Proxy for http addresses; empty for none.")
    https: ProxyAddress = Field(default="", description="Proxy for https and wss addresses; empty for none.")
    no_proxy: list[Annotated[str, Field(pattern=r"^[^\s,]+$")]] = Field(
        default_factory=list,
        description="Hosts and domains that are reached directly, beside those of the cluster. Names and single "
        "addresses only: few programs understand networks here.",
    )

    def environment(self) -> dict[str, str]:
        """The variables that programs read, in both spellings, since some know only one; none without a proxy."""
        if not (self.http or self.https):
            return {}
        named = {
            "HTTP_PROXY": self.http,
            "HTTPS_PROXY": self.https,
            "NO_PROXY": ",".join((*NEVER_BY_PROXY, *self.no_proxy)),
        }
        upper = {name: value for name, value in named.items() if value}
        return upper | {name.lower(): value for name, value in upper.items()}


class CaBundle(Model):
    """Authorities that are trusted in place of those of the images."""

    config_map_name: str = Field(
        default="",
        description="ConfigMap with the whole bundle in PEM, in the release's namespace and in that of each agent; "
        "empty for the images' own.",
    )
    key: Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$")] = Field(
        default="ca-bundle.crt", description="Key of the ConfigMap."
    )

    def environment(self, folder: str) -> dict[str, str]:
        """The variables by which OpenSSL and Rust's TLS, requests and gRPC take the bundle mounted at `folder`."""
        if not self.config_map_name:
            return {}
        file = f"{folder}/{self.key}"
        return dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"), file)


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
    proxy: ProxySettings = ProxySettings()
    ca_bundle: CaBundle = CaBundle()

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
