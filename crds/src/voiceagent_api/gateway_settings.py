"""The gateway's part of the install's configuration: how it serves, and whom."""

from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from voiceagent_api.base import Model

Mode = Literal["none", "apiKeys", "oidc", "both"]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures that need a private key; what can be made with a shared secret or none at all is not among them."""


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError as error:
        raise ValueError(f"{value} is no network; write it as 10.0.0.0/8, with no bits set behind") from error
    return value


AgentPattern = Annotated[str, Field(pattern=r"^(\*|[a-z0-9*-]{1,63}/[a-z0-9.*-]{1,253})$")]
"""VoiceAgents as NAMESPACE/NAME, where * stands for any characters but the slash; * alone is all of them."""
RoomPattern = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:*-]{1,90}$")]
"""Rooms, where * stands for any characters."""
Network = Annotated[str, AfterValidator(_network), Field(pattern=r"^[0-9a-fA-F.:]+(/[0-9]{1,3})?$")]
Origin = Annotated[
    str, Field(pattern=r"^(\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?)$")
]

StoreAddress = Annotated[str, Field(pattern=r"^$|^https?://[^\s/?#@]+(/[^\s?#@]*)?$")]


class ClaimScope(Model):
    """What a claim of a caller's token lets the caller do."""

    claim: str = Field(default="", description="Name of the claim, such as groups; empty: every token of the issuer.")
    value: str = Field(default="", description="What the claim is, or has among its values; empty: whatever it is.")
    agents: list[AgentPattern] = Field(default_factory=list, description="VoiceAgents, as NAMESPACE/NAME with *.")
    rooms: list[RoomPattern] = Field(default_factory=lambda: ["*"], description="Rooms, by pattern with *.")
    metrics: bool = Field(default=False, description="Whether all metrics may be read.")
    transcripts: bool = Field(
        default=False,
        description="Whether transcripts of these agents' calls in these rooms may be read and erased.",
    )


class OidcSettings(Model):
    """Whose JSON Web Tokens are taken, and what they let their bearers do."""

    issuer: Annotated[str, Field(pattern=r"^$|^https?://[^\s?#]+$")] = Field(
        default="", description="The issuer's address, as its tokens have it in iss."
    )
    audience: str = Field(default="", description="What the tokens have in aud: this gateway's name at the issuer.")
    algorithms: Annotated[list[Algorithm], Field(min_length=1)] = Field(
        default=["RS256", "ES256"], description="Signatures that are taken."
    )
    name_claim: Annotated[str, Field(min_length=1)] = Field(
        default="sub", description="The claim that callers are known by in logs and limits."
    )
    leeway_seconds: Annotated[int, Field(ge=0, le=300)] = Field(
        default=30, description="How far the issuer's clock may be from the gateway's."
    )
    agents_claim: str = Field(default="", description="A claim that lists the agents' patterns itself; empty for none.")
    rooms_claim: str = Field(
        default="", description="A claim that lists the rooms' patterns for agentsClaim; empty: all rooms."
    )
    scopes: list[ClaimScope] = Field(
        default_factory=list, description="What callers may do by their claims; what several say adds up."
    )


class AuthSettings(Model):
    """Who may ask for tokens."""

    mode: Mode = Field(
        default="none", description="How callers are known: none (whoever reaches the gateway), apiKeys, oidc or both."
    )
    api_keys_secret_name: Annotated[str, Field(min_length=1)] = Field(
        default="voiceagents-api-keys", description="Secret in the gateway's namespace with one entry for each API key."
    )
    oidc: OidcSettings = OidcSettings()

    @property
    def api_keys(self) -> bool:
        """Whether API keys are taken."""
        return self.mode in ("apiKeys", "both")

    @property
    def tokens(self) -> bool:
        """Whether tokens of an OIDC issuer are taken."""
        return self.mode in ("oidc", "both")

    @model_validator(mode="after")
    def _issuer_is_named(self) -> Self:
        if self.tokens and not (self.oidc.issuer and self.oidc.audience):
            raise ValueError(f"mode {self.mode} needs oidc.issuer and oidc.audience")
        return self


class RateLimits(Model):
    """How often tokens may be asked for; 0 is no limit."""

    address_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=600, description="Requests for a token from one address in a minute."
    )
    caller_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=600, description="Requests for a token by one API key, or one person of the OIDC issuer, in a minute."
    )
    unknown_keys_per_minute: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=60, description="API keys that are new to the gateway, from one address in a minute: each costs work."
    )


class GatewaySettings(Model):
    """How the gateway serves."""

    auth: AuthSettings = AuthSettings()
    allowed_origins: list[Origin] = Field(
        default_factory=list,
        description="Web sites whose pages may ask this gateway, for example https://www.example.com; its own page "
        "always may. * is every site.",
    )
    trusted_proxies: list[Network] = Field(
        default_factory=list,
        description="Networks of the proxies in front of the gateway. Only what they say of a caller's address in "
        "X-Forwarded-For is believed.",
    )
    rate_limits: RateLimits = RateLimits()
    token_ttl_seconds: Annotated[int, Field(ge=30, le=600)] = Field(
        default=600, description="For how many seconds a token lets its caller join."
    )
    allow_test_metrics: bool = Field(default=False, description="Whether POST /metrics/test is taken.")
    retention_hours: Annotated[int, Field(ge=1, le=8760)] = Field(
        default=168, description="For how many hours the gateway keeps the history."
    )
    prometheus_url: StoreAddress = Field(
        default="",
        alias="prometheusURL",
        description="A Prometheus-compatible store with the worker pods' metrics, for example "
        "http://prometheus.monitoring:9090: it answers for the history then. Without user and password; empty for "
        "none.",
    )
    wait_seconds: Annotated[int, Field(ge=0, le=15)] = Field(
        default=8, description="For how many seconds a request for a token may wait for a place on an agent that grows."
    )
    max_waiting: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=100, description="How many such requests may wait for one agent at once; more are refused."
    )
