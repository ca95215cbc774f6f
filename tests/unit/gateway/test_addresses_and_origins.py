"""Where callers are, which sites' pages may ask, and how often."""

from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_api.gateway_settings import GatewaySettings
from voiceagent_gateway.addresses import caller_address, limited_as
from voiceagent_gateway.origins import origin_denied
from voiceagent_gateway.rate_limits import MemoryBuckets, Rate, take_one

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
SITE = "https://www.example.com"


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("fd00::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, headers: list[str], address: str) -> None:
    assert caller_address(peer, headers, PROXIES) == address


def test_one_subscriber_is_limited_as_one() -> None:
    assert limited_as("2001:db8:1:2:3::4") == limited_as("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert limited_as("::ffff:192.0.2.7") == limited_as("192.0.2.7")
    assert limited_as("unix") == "unknown"


@pytest.mark.parametrize(
    ("origin", "fetch_site", "denied"),
    [
        (None, None, False),
        (None, "same-origin", False),
        (None, "none", False),
        (None, "cross-site", True),
        (None, "same-site", True),
        ("http://gateway", None, False),
        ("https://gateway:443", None, True),
        ("https://gateway", "same-origin", False),
        (SITE, "cross-site", False),
        ("https://www.example.com.evil.example", "cross-site", True),
        ("http://www.example.com", "cross-site", True),
        ("https://evil.example", None, True),
        ("null", "cross-site", True),
        ("http://[", None, True),
    ],
)
def test_other_sites_are_kept_out_unless_they_are_listed(
    origin: str | None, fetch_site: str | None, denied: bool
) -> None:
    host = "gateway:80" if origin == "https://gateway:443" else "gateway"
    assert origin_denied(origin, fetch_site, host, [SITE]) is denied


async def test_a_listed_site_is_answered_as_browsers_want_it(world: Any, ask: httpx.AsyncClient) -> None:
    world.install = world.install.model_copy(update={"gateway": GatewaySettings(allowed_origins=[SITE])})
    preflight = {
        "Origin": SITE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }

    asked = await ask.options("/token", headers=preflight)
    given = await ask.post("/token", headers={"Origin": SITE}, json={})
    refused = await ask.get("/token?room=a+b", headers={"Origin": SITE})
    other = await ask.get("/token", headers={"Origin": "https://evil.example"})
    other_preflight = await ask.options("/token", headers={**preflight, "Origin": "https://evil.example"})

    assert asked.status_code == 200
    assert "authorization" in asked.headers["access-control-allow-headers"].lower()
    assert (given.status_code, given.headers["access-control-allow-origin"]) == (201, SITE)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (400, SITE)
    assert "origin" in given.headers["vary"].lower()
    for answer in (other, other_preflight):
        assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]) == (403, "origin-not-allowed")
        assert "access-control-allow-origin" not in answer.headers


async def test_without_a_list_the_own_page_may_ask_and_no_other(ask: httpx.AsyncClient) -> None:
    assert (await ask.get("/token", headers={"Origin": "http://gateway"})).status_code == 200
    assert (await ask.get("/agents", headers={"Origin": SITE})).status_code == 403
    assert (await ask.get("/metrics/simple", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert (await ask.get("/healthz", headers={"Origin": SITE})).status_code == 200


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60))
def test_a_bucket_gives_no_more_than_its_burst_and_what_fills_in(pauses: list[float]) -> None:
    rate, bucket, now, given_ = Rate(0.5, 3), None, 0.0, 0
    for pause in pauses:
        now += pause
        bucket, wait = take_one(bucket, rate, now)
        given_ += wait == 0
        if wait:
            assert take_one(bucket, rate, now + wait + 1e-6)[1] == 0
    assert given_ <= 3 + 0.5 * (now - pauses[0]) + 1e-6


async def test_buckets_in_memory_are_bounded_and_the_least_used_goes() -> None:
    buckets = MemoryBuckets(lambda: 0.0, most=2)
    rate = Rate(1, 1)
    for name in ("a", "b", "a", "c"):
        await buckets.take(name, rate)

    assert len(buckets) == 2
    assert await buckets.take("a", rate) > 0
    assert await buckets.take("b", rate) == 0
