"""Rate limits in a real Redis, that several gateways share."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from local_redis import PASSWORD, redis_server
from voiceagent_gateway import redis_connection
from voiceagent_gateway.problems import ProblemError
from voiceagent_gateway.rate_limits import MemoryBuckets, Rate, RateLimit
from voiceagent_gateway.redis_connection import redis_client
from voiceagent_gateway.redis_rate_limits import KEY_PREFIX, SharedBuckets

NEVER = Rate(per_second=1 / 60, burst=5)
"""It gives nothing back within a test's time: one token a minute."""
QUICK = Rate(per_second=2, burst=2)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def clients(redis: Any) -> AsyncIterator[list[Any]]:
    """Those of two gateways, in an empty Redis."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(redis_client(redis.url, redis.password)) for _ in range(2)]
        await clients[0].flushall()
        yield clients


@pytest.fixture
def gateways(clients: list[Any]) -> list[SharedBuckets]:
    return [SharedBuckets(client, MemoryBuckets()) for client in clients]


async def test_two_gateways_give_together_what_one_bucket_holds(
    gateways: list[SharedBuckets], caplog: pytest.LogCaptureFixture
) -> None:
    waits = await asyncio.gather(*(gateways[number % 2].take("address:10.0.0.1", NEVER) for number in range(20)))

    assert waits.count(0) == 5
    assert all(0 < wait <= 60 for wait in waits if wait)
    assert caplog.messages == [], "Redis was not used"


async def test_buckets_of_others_are_their_own(gateways: list[SharedBuckets]) -> None:
    one, other = gateways
    for _ in range(5):
        assert await one.take("address:10.0.0.1", NEVER) == 0
    assert await other.take("address:10.0.0.1", NEVER) > 0

    assert await other.take("address:2001:db8::/64", NEVER) == 0
    assert await other.take("address with unknown keys:10.0.0.1", NEVER) == 0
    assert await other.take("caller:oidc:anna 😀", NEVER) == 0


async def test_a_bucket_fills_again_and_tells_when(gateways: list[SharedBuckets]) -> None:
    one, other = gateways
    while not (wait := await one.take("caller:key:website", QUICK)):
        pass
    assert wait <= 0.5

    # Asking again and again does not lengthen the wait: without an end to the refusals this would not end.
    async with asyncio.timeout(60):
        while await other.take("caller:key:website", QUICK):
            await asyncio.sleep(0.01)


async def test_who_waits_for_as_long_as_told_gets_a_token(gateways: list[SharedBuckets]) -> None:
    one, other = gateways
    while not (wait := await one.take("caller:key:website", QUICK)):
        pass
    # A millisecond more than told, which is what Redis's clock may be short of.
    await asyncio.sleep(wait + 0.001)

    assert await other.take("caller:key:website", QUICK) == 0


async def test_a_bucket_never_holds_more_than_its_burst(clients: list[Any], gateways: list[SharedBuckets]) -> None:
    # As it was an hour ago, and by a limit that was higher then.
    seconds, _ = await clients[0].time()
    await clients[0].set(KEY_PREFIX + "caller:key:website", f"900.000000:{(seconds - 3600) * 1000}")

    waits = [await gateways[number % 2].take("caller:key:website", NEVER) for number in range(8)]
    assert waits.count(0) == 5


async def test_a_clock_of_redis_that_goes_back_locks_nobody_out(
    clients: list[Any], gateways: list[SharedBuckets]
) -> None:
    seconds, _ = await clients[0].time()
    await clients[0].set(KEY_PREFIX + "caller:key:website", f"1.000000:{(seconds + 3600) * 1000}")

    assert await gateways[0].take("caller:key:website", NEVER) == 0
    assert 0 < await gateways[1].take("caller:key:website", NEVER) <= 60


async def test_nothing_stays_in_redis_for_longer_than_it_means_something(
    clients: list[Any], gateways: list[SharedBuckets]
) -> None:
    for _ in range(6):
        await gateways[0].take("address:10.0.0.1", NEVER)
    assert 0 < await clients[0].pttl(KEY_PREFIX + "address:10.0.0.1") <= 300_001

    await gateways[0].take("caller:key:website", QUICK)
    async with asyncio.timeout(60):
        while await clients[0].exists(KEY_PREFIX + "caller:key:website"):
            await asyncio.sleep(0.05)


async def test_a_limit_of_the_settings_holds_for_two_gateways_and_says_when_to_come_again(
    gateways: list[SharedBuckets],
) -> None:
    one, other = (RateLimit("caller", 3, buckets) for buckets in gateways)
    await one.take("key:website")

    with pytest.raises(ProblemError) as refused:
        await other.take("key:website")
    assert refused.value.status == 429
    assert refused.value.retry_after_seconds is not None
    assert 1 <= refused.value.retry_after_seconds <= 20


async def test_a_script_that_redis_forgot_is_told_to_it_again(clients: list[Any]) -> None:
    gateway = SharedBuckets(clients[0], MemoryBuckets())
    assert await gateway.take("caller:a", NEVER) == 0
    await clients[1].script_flush()

    assert await gateway.take("caller:a", NEVER) == 0
    assert (await clients[1].get(KEY_PREFIX + "caller:a")).startswith("3.0")


async def test_while_redis_is_away_each_gateway_counts_by_itself_and_then_together_again(
    redis: Any, clients: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, redis_connection.__name__)
    gateways = [SharedBuckets(client, MemoryBuckets(), left_alone_seconds=0) for client in clients]
    one, other = gateways
    for _ in range(5):
        assert await one.take("caller:key:website", NEVER) == 0

    redis.stop()
    try:
        for gateway in gateways:
            waits = [await gateway.take("caller:key:website", NEVER) for _ in range(7)]
            assert waits.count(0) == 5
    finally:
        redis.start()
    assert caplog.messages.count("Redis cannot be used; rates are limited here only") == 2

    # Redis kept nothing of before.
    async with asyncio.timeout(60):
        while await one.take("caller:key:website", NEVER):
            await asyncio.sleep(0.05)
    assert await other.take("caller:key:website", NEVER) == 0
    waits = [await gateways[number % 2].take("caller:key:website", NEVER) for number in range(8)]
    assert waits.count(0) == 3
    assert caplog.messages.count("Redis can be used again; rates are limited for all gateways together") == 2
    assert PASSWORD not in caplog.text


async def test_a_redis_that_failed_is_left_alone_for_a_while(redis: Any, clients: list[Any]) -> None:
    async with redis_client(redis.url, "not-the-password") as stranger:
        gateway = SharedBuckets(stranger, MemoryBuckets(), left_alone_seconds=600)
        assert await gateway.take("caller:key:website", NEVER) == 0
        refused = (await clients[0].info("stats"))["total_connections_received"]
        for _ in range(4):
            assert await gateway.take("caller:key:website", NEVER) == 0

        assert await gateway.take("caller:key:website", NEVER) > 0
        assert (await clients[0].info("stats"))["total_connections_received"] == refused
