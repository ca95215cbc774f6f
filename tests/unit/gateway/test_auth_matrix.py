"""Who may ask what: every kind of caller at every route, as one table."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from voiceagent_api.gateway_settings import AuthSettings, GatewaySettings, OidcSettings, RateLimits
from voiceagent_gateway.api_keys import entry_text, hash_of, new_key, parse_entry
from voiceagent_gateway.bearer_tokens import BearerTokens
from voiceagent_gateway.callers import KnownCallers
from voiceagent_gateway.gate import Gate, limits_of
from voiceagent_gateway.identity import Identity
from voiceagent_gateway.issuer_keys import IssuerKey
from voiceagent_gateway.key_ring import KeyRing
from voiceagent_gateway.model import AgentRef, LiveKitCredentials
from voiceagent_gateway.prometheus_text import GatewayCounters
from voiceagent_gateway.rate_limits import MemoryBuckets

SECRET = "a-secret-of-at-least-32-characters"
KEYS = {name: new_key(name) for name in ("all", "sales", "rooms", "metrics", "old")}
HASHES = {name: hash_of(key) for name, key in KEYS.items()}
SCOPES: dict[str, dict[str, Any]] = {
    "all": {"agents": ["*"]},
    "sales": {"agents": ["sales/*"]},
    "rooms": {"agents": ["*"], "rooms": ["web-*"]},
    "metrics": {"agents": [], "metrics": True},
    "old": {"agents": ["*"], "metrics": True},
}


class OneKey:
    """An issuer with one key."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import rsa

        self.private = rsa.generate_private_key(65537, 2048)

    async def key(self, kid: str | None) -> IssuerKey | None:
        return IssuerKey(self.private.public_key(), None)

    def token(self, **claims: Any) -> str:
        said = {"iss": "https://id.example", "aud": "voice", "sub": "anna", "exp": 4102444800, **claims}
        return jwt.encode(said, self.private, "RS256")


ISSUER = OneKey()


@pytest.fixture
def auth(world: Any, make_agent: Callable[..., AgentRef], now: datetime) -> Iterator[Any]:
    """Two namespaces of agents, and a gateway that takes keys and tokens."""
    world.agents[:] = [make_agent(), make_agent("desk", "sales")]
    world.secrets[("sales", "livekit")] = LiveKitCredentials("devkey", SECRET)
    ring = KeyRing(lambda: world.now)
    entries = {}
    for name, scope in SCOPES.items():
        expires = now - timedelta(seconds=1) if name == "old" else None
        text = entry_text(
            HASHES[name], scope["agents"], scope.get("rooms", ["*"]), scope.get("metrics", False), expires
        )
        entries[name] = parse_entry(name, text.encode())
    ring.replace(entries)
    oidc = OidcSettings(issuer="https://id.example", audience="voice", agents_claim="agents")
    settings = AuthSettings(mode="both", oidc=oidc)
    world.install = world.install.model_copy(update={"gateway": GatewaySettings(auth=settings, token_ttl_seconds=300)})
    world.gate = Gate(KnownCallers(ring, BearerTokens(oidc, ISSUER)))
    world.ring = ring
    yield world
    ring.close()


@pytest.fixture
async def anyone(auth: Any, ask: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    yield ask


def bearer(who: str) -> dict[str, str]:
    credential = {
        "wrong key": new_key("all"),
        "no such key": new_key("nobody"),
        "no key": "va_",
        "garbage": "x.y.z",
        "token": ISSUER.token(agents=["sales/*"]),
        "token without scope": ISSUER.token(),
        "expired token": ISSUER.token(exp=1),
    }.get(who) or KEYS.get(who, "")
    return {} if who == "nobody" else {"Authorization": f"Bearer {credential}"}


R, S = "agent=default/receptionist", "agent=sales/desk"
ROUTES = (f"/token?{R}", f"/token?{S}", f"/token?{S}&room=web-1", f"/token?{S}&room=other", "/agents", "/metrics")
TABLE = {
    "nobody": (401, 401, 401, 401, 401, 401),
    "wrong key": (401, 401, 401, 401, 401, 401),
    "no such key": (401, 401, 401, 401, 401, 401),
    "no key": (401, 401, 401, 401, 401, 401),
    "garbage": (401, 401, 401, 401, 401, 401),
    "old": (401, 401, 401, 401, 401, 401),
    "expired token": (401, 401, 401, 401, 401, 401),
    "all": (200, 200, 200, 200, 200, 403),
    "sales": (403, 200, 200, 200, 200, 403),
    "rooms": (200, 200, 200, 403, 200, 403),
    "metrics": (403, 403, 403, 403, 200, 200),
    "token": (403, 200, 200, 200, 200, 403),
    "token without scope": (403, 403, 403, 403, 200, 403),
}


@pytest.mark.parametrize("who", TABLE)
async def test_every_caller_gets_what_the_table_says(anyone: httpx.AsyncClient, who: str) -> None:
    answers = [await anyone.get(route, headers=bearer(who)) for route in ROUTES]

    assert tuple(answer.status_code for answer in answers) == TABLE[who]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["type"].endswith("/unauthorized")


@pytest.mark.parametrize("who", TABLE)
async def test_the_standard_endpoint_lets_in_the_same_callers(anyone: httpx.AsyncClient, who: str) -> None:
    answers = [await anyone.post(f"/token?{agent}", headers=bearer(who), json={}) for agent in (R, S)]

    assert tuple(answer.status_code for answer in answers) == tuple(201 if s == 200 else s for s in TABLE[who][:2])


@pytest.mark.parametrize("path", ["/metrics/simple", "/metrics/sessions", "/metrics/test"])
async def test_all_metrics_ask_who_reads_them(anyone: httpx.AsyncClient, path: str) -> None:
    assert (await anyone.get(path)).status_code == 401
    assert (await anyone.get(path, headers=bearer("all"))).status_code == 403
    assert (await anyone.get(path, headers=bearer("metrics"))).status_code == (403 if path.endswith("test") else 200)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
async def test_what_tells_nobody_anything_is_open(anyone: httpx.AsyncClient, path: str) -> None:
    assert (await anyone.get(path)).status_code == 200


async def test_a_caller_sees_only_the_agents_that_it_may_call(anyone: httpx.AsyncClient) -> None:
    async def seen(who: str) -> list[str]:
        return [agent["namespace"] for agent in (await anyone.get("/agents", headers=bearer(who))).json()]

    assert await seen("all") == ["default", "sales"]
    assert await seen("sales") == ["sales"]
    assert await seen("metrics") == []


async def test_a_refusal_does_not_tell_which_agents_there_are(anyone: httpx.AsyncClient) -> None:
    there, not_there = [
        (await anyone.get(f"/token?agent=default/{name}", headers=bearer("sales"))).json()
        for name in ("receptionist", "nothing")
    ]
    assert there["detail"].replace("receptionist", "nothing") == not_there["detail"]
    assert there["detail"] == 'API key "sales" may not call VoiceAgent default/receptionist.'

    by_name = [
        (
            await anyone.post(
                "/token", headers=bearer("sales"), json={"room_config": {"agents": [{"agent_name": name}]}}
            )
        ).json()
        for name in ("default-receptionist", "default-nothing")
    ]
    assert by_name[0]["detail"].replace("receptionist", "nothing") == by_name[1]["detail"]
    near = (await anyone.get("/token?agent=sales/desc", headers=bearer("sales"))).json()
    assert "did you mean sales/desk?" in near["detail"]


async def test_an_agent_left_out_is_the_only_one_that_the_caller_may_use(anyone: httpx.AsyncClient) -> None:
    assert (await anyone.get("/token", headers=bearer("sales"))).json()["room"].startswith("desk-")
    assert (await anyone.get("/token", headers=bearer("all"))).status_code == 400


async def test_a_room_left_out_is_within_the_callers_scope(anyone: httpx.AsyncClient) -> None:
    body = (await anyone.get(f"/token?{S}", headers=bearer("rooms"))).json()

    assert body["room"].startswith("web-")


async def test_a_token_does_not_outlive_the_right_of_its_caller(
    auth: Any, ask: httpx.AsyncClient, now: datetime
) -> None:
    entry = parse_entry("all", entry_text(HASHES["all"], ["*"], ["*"], False, None).encode())
    until = now + timedelta(seconds=40)
    auth.ring.replace({"all": replace(entry, identity=replace(entry.identity, expires_at=until))})

    body = (await ask.get(f"/token?{S}", headers=bearer("all"))).json()

    claims = jwt.decode(body["token"], SECRET, algorithms=["HS256"])
    assert claims["exp"] - claims["nbf"] == 40


async def test_each_request_is_audited_with_who_and_what_and_without_any_key(
    anyone: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await anyone.get(f"/token?{S}&room=lobby", headers=bearer("sales"))
        await anyone.get(f"/token?{R}", headers=bearer("sales"))
        await anyone.get("/token?agent=nonsense", headers=bearer("sales"))
        await anyone.post("/token", content="{", headers=bearer("sales"))
        await anyone.get(f"/token?{R}", headers=bearer("wrong key"))

    lines = [vars(record) for record in caplog.records if record.name == "voiceagent_gateway.audit"]
    assert [(line["who"], line.get("agent"), line.get("room"), line["outcome"]) for line in lines] == [
        ("key:sales", "sales/desk", "lobby", "given"),
        ("key:sales", "default/receptionist", None, "not-allowed"),
        ("key:sales", None, None, "invalid-request"),
        ("key:sales", None, None, "invalid-request"),
        ("unknown", None, None, "unauthorized"),
    ]
    assert {line["address"] for line in lines} == {"192.0.2.7"}
    said = json.dumps([vars(record) for record in caplog.records], default=str)
    assert "va_" not in said
    assert "eyJ" not in said
    assert SECRET not in said


async def test_who_asks_too_often_is_told_when_to_ask_again(auth: Any, ask: httpx.AsyncClient) -> None:
    limits = limits_of(RateLimits(address_per_minute=0, caller_per_minute=6), MemoryBuckets())
    auth.gate = replace(auth.gate, limits=limits)

    statuses = [(await ask.get(f"/token?{S}", headers=bearer("all"))).status_code for _ in range(2)]
    limited = await ask.get(f"/token?{S}", headers=bearer("all"))

    assert statuses == [200, 200]
    assert (limited.status_code, limited.json()["type"].rsplit("/", 1)[-1]) == (429, "rate-limited")
    assert int(limited.headers["retry-after"]) == 10
    assert (await ask.get(f"/token?{S}", headers=bearer("sales"))).status_code == 200


async def test_who_tries_keys_is_stopped_before_they_are_checked(auth: Any, ask: httpx.AsyncClient) -> None:
    auth.gate = replace(auth.gate, limits=limits_of(RateLimits(unknown_keys_per_minute=3), MemoryBuckets()))

    answers = [await ask.get("/agents", headers={"Authorization": f"Bearer {new_key('all')}"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 429, 429]


async def test_requests_beyond_a_limit_are_counted(auth: Any, ask: httpx.AsyncClient) -> None:
    counters = GatewayCounters()
    rates = RateLimits(address_per_minute=1, caller_per_minute=0)
    auth.gate = replace(auth.gate, limits=limits_of(rates, MemoryBuckets(), counters.rate_limited))

    for _ in range(3):
        await ask.get(f"/token?{S}", headers=bearer("all"))

    def counted(limit: str) -> float | None:
        return counters.registry.get_sample_value("voiceagent_gateway_rate_limited_total", {"limit": limit})

    assert (counted("address"), counted("caller")) == (2, None)


def test_nobody_is_allowed_anything_by_default() -> None:
    assert Identity("x").scopes == ()
