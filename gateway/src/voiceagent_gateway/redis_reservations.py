"""Promises in Redis, so that gateways of many replicas do not promise the same place twice.

One hash an agent: the room, and since and until when its place is held, in milliseconds of Redis's own clock. What
decides is a script, which Redis runs as one step.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from redis.asyncio import Redis

from voiceagent_gateway.redis_connection import LEFT_ALONE_SECONDS, RedisOutage, within_deadline
from voiceagent_gateway.reservations import (
    SEEN_GRACE_SECONDS,
    Answer,
    Claim,
    MemoryReservations,
    Outcome,
    Reservations,
    ReservationsError,
)

KEY_PREFIX: Final = "voiceagents:promised:"
FREE_UNKNOWN: Final = -1

TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local room, hold, free, grace = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local last_running = 5 + tonumber(ARGV[5])
local running, joined = {}, {}
for i = 6, last_running do running[ARGV[i]] = true end
for i = last_running + 1, #ARGV do joined[ARGV[i]] = true end

local promised, known = 0, nil
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  local name = entries[i]
  local since, till = string.match(entries[i + 1], '(%d+):(%d+)')
  if tonumber(till) <= now then
    redis.call('HDEL', KEYS[1], name)
  else
    if joined[name] and tonumber(till) > now + grace then
      redis.call('HSET', KEYS[1], name, since .. ':' .. string.format('%d', now + grace))
    end
    if not running[name] then promised = promised + 1 end
    if name == room then known = since end
  end
end

if running[room] then return {'held', promised} end
if not known and free >= 0 and promised >= free then return {'full', promised} end
local from = string.format('%d', now)
if known and not joined[room] then from = known end
redis.call('HSET', KEYS[1], room, from .. ':' .. string.format('%d', now + hold))
redis.call('PEXPIRE', KEYS[1], math.max(redis.call('PTTL', KEYS[1]), hold))
if known then return {'held', promised} end
return {'new', promised + 1}
"""


class RedisReservations:
    """For all gateways that share a Redis. Raises ReservationsError where it does not answer in time."""

    def __init__(self, client: Redis) -> None:
        self._client: Any = client
        self._take = self._client.register_script(TAKE)

    async def held(self, agent: str, rooms: Collection[str] | None = None) -> Mapping[str, datetime]:
        if rooms is not None and not rooms:
            return {}
        async with within_deadline():
            if rooms is None:
                entries = await self._client.hgetall(KEY_PREFIX + agent)
            else:
                found = await self._client.hmget(KEY_PREFIX + agent, list(rooms))
                entries = {room: entry for room, entry in zip(rooms, found, strict=True) if entry is not None}
        return {room: datetime.fromtimestamp(int(entry.split(":")[0]) / 1000, UTC) for room, entry in entries.items()}

    async def take(self, agent: str, claim: Claim) -> Answer:
        # Where nothing is free, below nothing is the same; below nothing is also how the script is told "unknown".
        free = FREE_UNKNOWN if claim.free is None else max(claim.free, 0)
        numbers = [round(claim.hold_seconds * 1000), free, round(SEEN_GRACE_SECONDS * 1000), len(claim.running)]
        async with within_deadline():
            outcome, promised = await self._take(
                keys=[KEY_PREFIX + agent], args=[claim.room, *numbers, *claim.running, *claim.joined]
            )
        return Answer(Outcome(outcome), int(promised))

    async def release(self, agent: str, room: str) -> None:
        async with within_deadline():
            await self._client.hdel(KEY_PREFIX + agent, room)


class SharedReservations:
    """What all gateways promised; while that cannot be told, what this one did.

    A Redis that is away then costs at worst a promise too many, which the worker's own limit still meets, and never
    the whole service.
    """

    def __init__(
        self,
        shared: Reservations,
        own: MemoryReservations,
        left_alone_seconds: float = LEFT_ALONE_SECONDS,
    ) -> None:
        self._shared = shared
        self._own = own
        self._outage = RedisOutage(
            "only this gateway's own promises count", "all gateways' promises count", left_alone_seconds
        )

    async def held(self, agent: str, rooms: Collection[str] | None = None) -> Mapping[str, datetime]:
        if self._outage.asks:
            try:
                return await self._shared.held(agent, rooms)
            except ReservationsError as error:
                self._outage.failed(error)
        return await self._own.held(agent, rooms)

    async def take(self, agent: str, claim: Claim) -> Answer:
        if self._outage.asks:
            try:
                answer = await self._shared.take(agent, claim)
            except ReservationsError as error:
                self._outage.failed(error)
            else:
                self._outage.over()
                if answer.outcome is not Outcome.FULL:
                    await self._own.take(agent, replace(claim, free=None))
                return answer
        return await self._own.take(agent, claim)

    async def release(self, agent: str, room: str) -> None:
        await self._own.release(agent, room)
        if self._outage.asks:
            try:
                await self._shared.release(agent, room)
            except ReservationsError as error:
                self._outage.failed(error)
