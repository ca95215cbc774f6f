"""Callers who wait at any of the gateways that share a Redis, so that the operator is told of them all.

One hash an agent: each gateway's number, and until when it is believed, in milliseconds of Redis's own clock. A
gateway repeats its number while somebody waits; that of one that died is soon forgotten.
"""

from typing import Any, Final

from redis.asyncio import Redis

from voiceagent_gateway.redis_connection import RedisOutage, within_deadline
from voiceagent_gateway.reservations import ReservationsError

KEY_PREFIX: Final = "voiceagents:waiting:"
BELIEVED_SECONDS: Final = 15.0
"""More than some times the pause between two repetitions."""

SHARE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local own, number, believed = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if number > 0 then
  redis.call('HSET', KEYS[1], own, string.format('%d:%d', number, now + believed))
  redis.call('PEXPIRE', KEYS[1], believed)
else
  redis.call('HDEL', KEYS[1], own)
end
local sum = 0
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  local waiting, till = string.match(entries[i + 1], '(%d+):(%d+)')
  if tonumber(till) > now then sum = sum + tonumber(waiting) else redis.call('HDEL', KEYS[1], entries[i]) end
end
return sum
"""


class RedisWaiting:
    """The callers of all gateways; of this one alone while Redis does not answer."""

    def __init__(self, client: Redis, gateway: str) -> None:
        """`gateway` is this one's name among those that share the Redis."""
        self._gateway = gateway
        self._share: Any = client.register_script(SHARE)
        # Asked every time: it is by a task of its own, for which no caller waits.
        self._outage = RedisOutage(
            "only this gateway's callers are told of", "all gateways' callers are told of", left_alone_seconds=0
        )

    async def total(self, agent: str, own: int) -> int:
        """How many callers wait for an agent at all gateways, `own` of them here."""
        try:
            async with within_deadline():
                believed = round(BELIEVED_SECONDS * 1000)
                total = int(await self._share(keys=[KEY_PREFIX + agent], args=[self._gateway, own, believed]))
        except ReservationsError as error:
            self._outage.failed(error)
            return own
        self._outage.over()
        return total
