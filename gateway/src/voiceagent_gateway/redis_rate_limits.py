"""Rate limits that all gateways share, in Redis; while it does not answer, each gateway's own.

One string a bucket: how full it was, and when, in milliseconds of Redis's own clock. It lasts until it would be full.
"""

from typing import Any, Final

from redis.asyncio import Redis

from voiceagent_gateway.rate_limits import Buckets, Rate
from voiceagent_gateway.redis_connection import LEFT_ALONE_SECONDS, RedisOutage, within_deadline
from voiceagent_gateway.reservations import ReservationsError

KEY_PREFIX: Final = "voiceagents:rate:"

TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local per_millisecond, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local tokens = burst
local known = redis.call('GET', KEYS[1])
if known then
  local had, at = string.match(known, '([^:]+):(%d+)')
  tokens = math.min(burst, tonumber(had) + math.max(0, now - tonumber(at)) * per_millisecond)
end
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = math.ceil((1 - tokens) / per_millisecond) end
local full = math.ceil((burst - tokens) / per_millisecond) + 1
redis.call('SET', KEYS[1], string.format('%.6f:%d', tokens, now), 'PX', full)
return wait
"""


class SharedBuckets:
    """The buckets of all gateways; this one's alone while Redis does not answer."""

    def __init__(self, client: Redis, own: Buckets, left_alone_seconds: float = LEFT_ALONE_SECONDS) -> None:
        self._take: Any = client.register_script(TAKE)
        self._own = own
        self._outage = RedisOutage(
            "rates are limited here only", "rates are limited for all gateways together", left_alone_seconds
        )

    async def take(self, name: str, rate: Rate) -> float:
        if self._outage.asks:
            try:
                async with within_deadline():
                    arguments = [repr(rate.per_second / 1000), repr(rate.burst)]
                    wait = int(await self._take(keys=[KEY_PREFIX + name], args=arguments)) / 1000
            except ReservationsError as error:
                self._outage.failed(error)
            else:
                self._outage.over()
                return wait
        return await self._own.take(name, rate)
