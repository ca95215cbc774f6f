"""Callers that are remembered in a real Redis, which many pods share."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_redis import LocalRedis, redis_server
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError
from voiceagent_worker.events import PluginsRan, SentEvent
from voiceagent_worker.plugins.breaker import CircuitBreaker
from voiceagent_worker.plugins.call import CallPlugins
from voiceagent_worker.plugins.chain import Step
from voiceagent_worker.plugins.context import Conversation
from voiceagent_worker.plugins.conversation_memory import ConversationMemory, erase
from voiceagent_worker.plugins.memory_store import PREFIX, RedisStore, Remark, key_of


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRedis]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


def address(redis: LocalRedis) -> str:
    return f"redis://:{redis.password}@127.0.0.1:{redis.port}/0"


def call_of(caller_file: Path, told: list[SentEvent]) -> CallPlugins:
    memory = ConversationMemory(redisURLFile=str(caller_file))
    step = Step("conversation_memory", memory, 5, False, CircuitBreaker(lambda: 0.0))
    return CallPlugins([step], Conversation("call", agent="default/receptionist"), told.append)


async def test_a_caller_is_known_to_another_pod_until_erased(redis: LocalRedis, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(address(redis))
    first = call_of(tmp_path / "url", [])
    assert await first.start("+33612345678") == ""
    await first.from_user("My name is Ann.")
    await first.end()

    second = call_of(tmp_path / "url", [])
    assert "Caller: My name is Ann." in await second.start("+33612345678")
    await second.end()

    store = RedisStore(address(redis))
    keys = [key async for key in store._redis.scan_iter(f"{PREFIX}*")]
    assert keys == [PREFIX + key_of("default/receptionist", "+33612345678")]
    assert 0 < await store._redis.ttl(keys[0]) <= 720 * 3600
    assert await erase("default/receptionist", "+33612345678", {"REDIS_URL": address(redis)})
    assert await store.load(key_of("default/receptionist", "+33612345678"), 0) == []
    await store.close()


async def test_the_user_that_the_page_describes_may_remember_and_nothing_else(
    redis: LocalRedis, tmp_path: Path
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "plugins.md").read_text()
    found = re.search(r"`ACL (SETUSER agents [^`]*)`", page)
    assert found is not None
    admin = Redis.from_url(address(redis), decode_responses=True)
    await admin.set("voiceagent:reservations", "promised")
    await admin.execute_command("ACL", *found[1].replace("PASSWORD", "of-agents").split())
    (tmp_path / "url").write_text(f"redis://agents:of-agents@127.0.0.1:{redis.port}/1")
    for heard, remembered in (("My name is Ann.", ""), ("Bye.", "My name is Ann.")):
        call = call_of(tmp_path / "url", [])
        assert remembered in await call.start("ann")
        await call.from_user(heard)
        await call.end()
    assert await erase("default/receptionist", "ann", {}, str(tmp_path / "url"))
    agents = Redis.from_url(f"redis://agents:of-agents@127.0.0.1:{redis.port}/0")
    for command in (("GET", "voiceagent:reservations"), ("SCAN", "0"), ("FLUSHALL",)):
        with pytest.raises(NoPermissionError):
            await agents.execute_command(*command)
    await asyncio.gather(agents.aclose(), admin.aclose())


async def test_redis_forgets_by_itself_when_the_retention_is_over(redis: LocalRedis) -> None:
    store = RedisStore(address(redis))
    await store.save("short", [Remark("user", "hello", 1.0)], 0.05, 0)
    async with asyncio.timeout(20):
        while await store.load("short", 0):
            await asyncio.sleep(0.02)
    await store.close()


async def test_a_redis_that_is_away_breaks_no_call_and_tells_no_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "url").write_text("redis://:hidden-password@127.0.0.1:9/0")
    told: list[SentEvent] = []
    call = call_of(tmp_path / "url", told)
    assert await call.start("ann") == ""
    assert (await call.from_user("hello")).text == "hello"
    await call.end()
    results = [(r.occasion, r.outcome) for event in told if isinstance(event, PluginsRan) for r in event.results]
    assert results == [("session_start", "error"), ("user", "ok"), ("session_end", "ok")]
    assert "hidden-password" not in caplog.text
