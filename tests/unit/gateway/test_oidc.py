"""Callers by the tokens of a real issuer on loopback."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from local_issuer import AUDIENCE, local_issuer
from voiceagent_api.gateway_settings import ClaimScope, OidcSettings
from voiceagent_gateway.bearer_tokens import BearerTokens
from voiceagent_gateway.identity import Scope
from voiceagent_gateway.issuer_keys import FRESH_SECONDS, STALE_MAX_SECONDS, IssuerKeys
from voiceagent_gateway.problems import ProblemError


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def issuer() -> AsyncIterator[Any]:
    async with local_issuer() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(issuer: Any, session: aiohttp.ClientSession, clock: Clock) -> BearerTokens:
    settings = OidcSettings(
        issuer=issuer.issuer,
        audience=AUDIENCE,
        agents_claim="agents",
        rooms_claim="rooms",
        scopes=[
            ClaimScope(claim="groups", value="sales", agents=["sales/*"], rooms=["sales-*"]),
            ClaimScope(claim="groups", value="ops", metrics=True),
        ],
    )
    return BearerTokens(settings, IssuerKeys(session, issuer.issuer, clock))


async def test_claims_are_mapped_to_scopes_and_add_up(issuer: Any, tokens: BearerTokens) -> None:
    claims = {"groups": ["sales", "ops"], "agents": ["a/b", "not a pattern"], "rooms": ["x-*"]}

    caller = await tokens.identify(issuer.token(**claims))

    assert caller is not None
    assert (caller.name, caller.metrics) == ("oidc:anna", True)
    assert caller.scopes == (Scope(("sales/*",), ("sales-*",)), Scope(("a/b",), ("x-*",)))
    assert caller.expires_at is not None


async def test_a_token_without_such_claims_may_do_nothing(issuer: Any, tokens: BearerTokens) -> None:
    caller = await tokens.identify(issuer.token())

    assert caller is not None
    assert (caller.scopes, caller.metrics) == ((), False)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"sub": None},
        {"exp": None},
        {"exp": -3600},
        {"nbf": 3600},
        {"iat": 3600},
        {"exp": "soon"},
    ],
    ids=str,
)
async def test_a_token_of_others_for_others_or_of_another_time_is_refused(
    issuer: Any, tokens: BearerTokens, claims: dict[str, Any]
) -> None:
    """Numbers are seconds from now."""
    said = {name: time.time() + value if isinstance(value, int) else value for name, value in claims.items()}

    assert await tokens.identify(issuer.token(**said)) is None


async def test_clocks_may_differ_by_the_leeway(issuer: Any, tokens: BearerTokens) -> None:
    now = time.time()

    assert await tokens.identify(issuer.token(exp=now - 5, nbf=now + 5)) is not None


async def test_a_signature_that_anybody_could_make_is_refused(issuer: Any, tokens: BearerTokens) -> None:
    public = issuer.keys["first"].public_key().public_numbers().n.to_bytes(256, "big")
    good = issuer.token()
    head, body, signature = good.split(".")
    others = issuer.token(key=_other_key())
    unsigned = jwt.encode({"sub": "anna", "iss": issuer.issuer, "aud": AUDIENCE}, None, "none", {"kid": "first"})

    assert await tokens.identify(good) is not None
    for token in (
        issuer.token(algorithm="HS256", key=public),
        issuer.token(algorithm="RS512"),
        unsigned,
        others,
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        "x",
        "a.b.c",
        good + "x" * 20_000,
    ):
        assert await tokens.identify(token) is None


async def test_an_extension_that_is_not_understood_is_refused(issuer: Any, tokens: BearerTokens) -> None:
    token = jwt.encode(
        {"iss": issuer.issuer, "aud": AUDIENCE, "sub": "a", "exp": time.time() + 60},
        issuer.keys["first"],
        "RS256",
        {"kid": "first", "crit": ["exp"]},
    )

    assert await tokens.identify(token) is None


async def test_keys_are_fetched_once_and_again_when_they_rotate(
    issuer: Any, tokens: BearerTokens, clock: Clock
) -> None:
    callers = await asyncio.gather(*(tokens.identify(issuer.token()) for _ in range(20)))
    assert all(callers)
    assert issuer.asked == 1

    old = issuer.token()
    issuer.rotate("second", "EC")
    clock.now += 60
    assert await tokens.identify(issuer.token(algorithm="ES256")) is not None
    assert await tokens.identify(old) is None
    assert issuer.asked == 2


async def test_unknown_keys_make_nobody_fetch_more_than_once_in_a_while(
    issuer: Any, tokens: BearerTokens, clock: Clock
) -> None:
    await tokens.identify(issuer.token())
    strange = jwt.encode({}, _other_key(), "RS256", {"kid": "strange"})

    clock.now += 60
    for _ in range(20):
        assert await tokens.identify(strange) is None
    assert issuer.asked == 2


async def test_an_issuer_that_is_away_is_done_without_for_a_day(
    issuer: Any, tokens: BearerTokens, clock: Clock
) -> None:
    assert await tokens.identify(issuer.token()) is not None
    issuer.down = True

    clock.now += FRESH_SECONDS + 1
    assert await tokens.identify(issuer.token()) is not None
    clock.now += STALE_MAX_SECONDS
    with pytest.raises(ProblemError) as refused:
        await tokens.identify(issuer.token())
    assert (refused.value.status, refused.value.name) == (503, "issuer-unreachable")

    issuer.down = False
    clock.now += 60
    assert await tokens.identify(issuer.token()) is not None


@pytest.mark.parametrize("discovery", [{"issuer": "https://other.example"}, {"jwks_uri": "file:///etc/passwd"}])
async def test_a_discovery_document_of_somebody_else_is_not_believed(
    issuer: Any, tokens: BearerTokens, discovery: dict[str, Any]
) -> None:
    issuer.discovery = discovery

    with pytest.raises(ProblemError):
        await tokens.identify(issuer.token())
    assert issuer.asked == 0


def _other_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65537, 2048)
