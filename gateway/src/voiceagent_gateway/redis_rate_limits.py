"""Rate limits that all gateways share, in Redis; while it does not answer, each gateway's own.

One string a bucket: how full it was, and when, in milliseconds of Redis's own clock. It lasts until it would be full.
"""

import logging
import time
from typing import Any, Final

from redis.asyncio import Redis

from voiceagent_gateway.rate_limits import Buckets, Rate
from voiceagent_gateway.redis_reservations import LEFT_ALONE_SECONDS, within_deadline
from voiceagent_gateway.reservations import ReservationsError

KEY_PREFIX: Final = "voiceagents:rate:"
log = logging.getLogger(__name__)

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

    def __init__(self, client: Redis, own: Buckets) -> None:
        self._take: Any = client.register_script(TAKE)
        self._own = own
        self._failed_at = float("-inf")
        self._failing = False

    async def take(self, name: str, rate: Rate) -> float:
        if time.monotonic() - self._failed_at >= LEFT_ALONE_SECONDS:
            try:
                async with within_deadline():
                    arguments = [repr(rate.per_second / 1000), repr(rate.burst)]
                    wait = int(await self._take(keys=[KEY_PREFIX + name], args=arguments)) / 1000
            except ReservationsError as error:
                self._failed_at = time.monotonic()
                if not self._failing:
                    log.warning("Redis cannot be used; rates are limited here only", extra={"error": str(error)})
                self._failing = True
            else:
                if self._failing:
                    log.info("Redis can be used again; rates are limited for all gateways together")
                self._failing = False
                return wait
        return await self._own.take(name, rate)
