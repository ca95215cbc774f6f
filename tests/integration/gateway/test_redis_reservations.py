"""Promises and waiting callers in a real Redis, that several gateways share."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from local_redis import redis_server
from voiceagent_gateway import redis_reservations
from voiceagent_gateway.redis_connection import redis_client
from voiceagent_gateway.redis_reservations import RedisReservations, SharedReservations
from voiceagent_gateway.redis_waiting import KEY_PREFIX, RedisWaiting
from voiceagent_gateway.reservations import Answer, Claim, MemoryReservations, Outcome, ReservationsError

AGENT = "default/receptionist"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def gateways(redis: Any) -> AsyncIterator[list[RedisReservations]]:
    """Two gateways' promises, in an empty Redis."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(redis_client(redis.url, redis.password)) for _ in range(2)]
        await clients[0].flushall()
        yield [RedisReservations(client) for client in clients]


def claim(room: str, free: int | None = 1, **fields: Any) -> Claim:
    return Claim(room, fields.pop("hold", 60), free, **{name: frozenset(rooms) for name, rooms in fields.items()})


async def test_twenty_callers_of_two_gateways_for_three_places_get_three(gateways: list[RedisReservations]) -> None:
    answers = await asyncio.gather(
        *(gateways[number % 2].take(AGENT, claim(f"room-{number}", free=3)) for number in range(20))
    )

    outcomes = [answer.outcome for answer in answers]
    assert (outcomes.count(Outcome.NEW), outcomes.count(Outcome.FULL)) == (3, 17)
    assert len(await gateways[1].held(AGENT)) == 3


async def test_what_one_promised_the_other_knows(gateways: list[RedisReservations]) -> None:
    one, other = gateways
    assert await one.take(AGENT, claim("a")) == Answer(Outcome.NEW, 1)

    assert await other.take(AGENT, claim("b")) == Answer(Outcome.FULL, 1)
    assert await other.take(AGENT, claim("a")) == Answer(Outcome.HELD, 1)
    assert (await other.take("default/sales", claim("b"))).outcome is Outcome.NEW
    since = (await other.held(AGENT))["a"]
    assert abs((datetime.now(UTC) - since).total_seconds()) < 60

    await other.release(AGENT, "a")
    assert await one.held(AGENT) == {}


async def test_a_place_is_held_as_long_as_the_token_lives(gateways: list[RedisReservations]) -> None:
    one, other = gateways
    await one.take(AGENT, claim("a", hold=0.3))
    assert (await other.take(AGENT, claim("b"))).outcome is Outcome.FULL

    async with asyncio.timeout(60):
        while (await other.take(AGENT, claim("b"))).outcome is Outcome.FULL:
            await asyncio.sleep(0.05)


async def test_a_call_that_is_seen_takes_its_own_place_and_ends_the_promise(
    gateways: list[RedisReservations], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_reservations, "SEEN_GRACE_SECONDS", 0.3)
    one, other = gateways
    await one.take(AGENT, claim("a", free=2))

    answer = await other.take(AGENT, claim("b", free=1, running=["a"], joined=["a"]))
    assert answer == Answer(Outcome.NEW, 1)
    # A reading that is older, without the call, still finds its promise; a later one finds it gone.
    assert (await one.take(AGENT, claim("c", free=2))).outcome is Outcome.FULL
    async with asyncio.timeout(60):
        while "a" in await one.held(AGENT):
            await one.take(AGENT, claim("d", free=0))
            await asyncio.sleep(0.05)


async def test_a_second_token_before_the_call_does_not_hide_the_call(gateways: list[RedisReservations]) -> None:
    one, other = gateways
    await one.take(AGENT, claim("a"))
    first = (await other.held(AGENT))["a"]
    await asyncio.sleep(0.01)

    await other.take(AGENT, claim("a"))
    assert (await one.held(AGENT))["a"] == first

    await other.take(AGENT, claim("a", joined=["a"]))
    assert (await one.held(AGENT))["a"] > first


async def test_an_unknown_number_of_places_refuses_nobody_and_none_refuses_all(
    gateways: list[RedisReservations],
) -> None:
    assert (await gateways[0].take(AGENT, claim("a", free=None))).outcome is Outcome.NEW
    assert (await gateways[0].take(AGENT, claim("b", free=-2))).outcome is Outcome.FULL


async def test_nothing_stays_in_redis_for_longer_than_a_token_lives(redis: Any) -> None:
    async with redis_client(redis.url, redis.password) as client:
        await client.flushall()
        await RedisReservations(client).take(AGENT, claim("a", hold=60))

        (key,) = await client.keys("*")
        assert 0 < await client.pttl(key) <= 60_000


async def test_a_wrong_password_is_told_without_it(redis: Any) -> None:
    async with redis_client(redis.url, "not-the-password") as client:
        with pytest.raises(ReservationsError) as error:
            await RedisReservations(client).held(AGENT)

    assert "AuthenticationError" in str(error.value)
    assert "password" not in str(error.value)


async def test_redis_may_go_away_and_come_back(redis: Any) -> None:
    async with redis_client(redis.url, redis.password) as client:
        own = MemoryReservations(lambda: datetime.now(UTC))
        shared = SharedReservations(RedisReservations(client), own, left_alone_seconds=0)
        await client.flushall()
        assert (await shared.take(AGENT, claim("a", free=2))).outcome is Outcome.NEW

        redis.stop()
        assert (await shared.take(AGENT, claim("b", free=2))).outcome is Outcome.NEW
        assert (await shared.take(AGENT, claim("c", free=2))).outcome is Outcome.FULL

        redis.start()
        async with asyncio.timeout(60):
            while not await RedisReservations(client).held(AGENT):
                await shared.take(AGENT, claim("d", free=None))
                await asyncio.sleep(0.05)


async def test_callers_who_wait_at_two_gateways_are_added_up(redis: Any) -> None:
    async with redis_client(redis.url, redis.password) as client:
        await client.flushall()
        one, other = RedisWaiting(client, "one"), RedisWaiting(client, "other")
        assert await one.total(AGENT, 2) == 2
        assert await other.total(AGENT, 3) == 5
        assert await other.total("default/sales", 1) == 1
        assert await one.total(AGENT, 1) == 4
        assert await one.total(AGENT, 0) == 3
        assert await other.total(AGENT, 0) == 0


async def test_what_a_gateway_that_died_had_told_is_forgotten(redis: Any) -> None:
    async with redis_client(redis.url, redis.password) as client:
        await client.flushall()
        await RedisWaiting(client, "dead").total(AGENT, 7)
        assert 0 < await client.pttl(KEY_PREFIX + AGENT) <= 15_000
        await client.hset(KEY_PREFIX + AGENT, "dead", "7:1")
        assert await RedisWaiting(client, "alive").total(AGENT, 1) == 1


async def test_without_redis_a_gateway_tells_of_its_own_callers(redis: Any) -> None:
    async with redis_client(redis.url, "not-the-password") as client:
        assert await RedisWaiting(client, "one").total(AGENT, 2) == 2
