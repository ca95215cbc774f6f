"""The Redis that gateways share: how it is reached, how long it is waited for, and what is said while it is away."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from voiceagent_gateway.reservations import ReservationsError

DEADLINE_SECONDS: Final = 2.0
CONNECT_SECONDS: Final = 1.0
CONNECTIONS_MAX: Final = 16
LEFT_ALONE_SECONDS: Final = 5.0
"""A Redis that failed is not asked again for so long: callers are not to wait for it one after the other."""
log = logging.getLogger(__name__)


class RedisOutage:
    """For one thing that is kept in Redis: its absence is told of once, as is its return."""

    def __init__(self, away: str, back: str, left_alone_seconds: float) -> None:
        """`away` says what counts while Redis is away, `back` what does again; it is then not asked for that long."""
        self._away = away
        self._back = back
        self._left_alone_seconds = left_alone_seconds
        self._failed_at = float("-inf")
        self._failing = False

    @property
    def asks(self) -> bool:
        """Whether Redis is to be asked now."""
        return time.monotonic() - self._failed_at >= self._left_alone_seconds

    def failed(self, error: ReservationsError) -> None:
        """It did not answer."""
        self._failed_at = time.monotonic()
        if not self._failing:
            log.warning("Redis cannot be used; %s", self._away, extra={"error": str(error)})
        self._failing = True

    def over(self) -> None:
        """It answered."""
        if self._failing:
            log.info("Redis can be used again; %s", self._back)
        self._failing = False


@asynccontextmanager
async def redis_client(url: str, password: str | None) -> AsyncIterator[Redis]:
    """A Redis that gives up soon; nothing is asked of it before its first use."""
    pool = BlockingConnectionPool.from_url(
        url,
        password=password,
        decode_responses=True,
        max_connections=CONNECTIONS_MAX,
        timeout=CONNECT_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=DEADLINE_SECONDS,
        # Once more for a connection that lay idle for too long; beyond that the deadline decides.
        retry=Retry(NoBackoff(), 1),
    )
    client = Redis(connection_pool=pool)
    try:
        yield client
    finally:
        await client.aclose()
        await pool.disconnect()


@asynccontextmanager
async def within_deadline() -> AsyncIterator[None]:
    """A question to Redis, which is to be answered soon. Raises ReservationsError where it is not."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            yield
    except TimeoutError as error:
        raise ReservationsError(f"Redis did not answer within {DEADLINE_SECONDS:g} s") from error
    except (RedisError, OSError) as error:
        # The kind only: what a server says of a refused login is nobody's business here.
        raise ReservationsError(f"Redis cannot be asked: {type(error).__name__}") from error
