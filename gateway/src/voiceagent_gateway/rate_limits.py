"""How often somebody may ask: a bucket of tokens each, that fills evenly."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from voiceagent_gateway.problems import ProblemError

BUCKETS_MAX: Final = 20_000
BURST_SECONDS: Final = 20.0
"""What may be asked at once is what fills in so long."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a bucket fills, and how much it holds."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """How full a bucket was, and when."""

    tokens: float
    at: float


class Buckets(Protocol):
    """Keeps buckets."""

    async def take(self, name: str, rate: Rate) -> float:
        """Take one token. Returns 0, or for how many seconds there is none."""
        ...


def rate_of(per_minute: int) -> Rate | None:
    """The rate of a limit in the settings; None for 0, which is no limit."""
    if per_minute == 0:
        return None
    per_second = per_minute / 60
    return Rate(per_second, max(1.0, per_second * BURST_SECONDS))


def take_one(bucket: Bucket | None, rate: Rate, now: float) -> tuple[Bucket, float]:
    """The bucket after one more has asked, and for how many seconds that one has to wait: 0 where it got a token. Pure.

    Whoever is refused takes nothing, so that asking too often does not lengthen the wait.
    """
    tokens = rate.burst if bucket is None else min(rate.burst, bucket.tokens + (now - bucket.at) * rate.per_second)
    if tokens >= 1:
        return Bucket(tokens - 1, now), 0.0
    return Bucket(tokens, now), (1 - tokens) / rate.per_second


class MemoryBuckets:
    """For one gateway."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = BUCKETS_MAX) -> None:
        self._clock = clock
        self._most = most
        self._buckets: dict[str, Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    async def take(self, name: str, rate: Rate) -> float:
        # Put back at the end: the first is then the one that nobody has asked of for the longest time.
        bucket, wait = take_one(self._buckets.pop(name, None), rate, self._clock())
        while len(self._buckets) >= self._most:
            self._buckets.pop(next(iter(self._buckets)))
        self._buckets[name] = bucket
        return wait


class RateLimit:
    """One limit, for everybody who falls under it."""

    def __init__(
        self, kind: str, per_minute: int, buckets: Buckets, on_refused: Callable[[str], None] = lambda kind: None
    ) -> None:
        """`kind` is what is counted by: address, caller. `on_refused` is told it for each request that is too many."""
        self._kind = kind
        self._on_refused = on_refused
        self._per_minute = per_minute
        self._rate = rate_of(per_minute)
        self._buckets = buckets

    async def take(self, who: str) -> None:
        """Raise a 429 problem that says when to ask again, where this one asks too often."""
        if self._rate is None:
            return
        wait = await self._buckets.take(f"{self._kind}:{who}", self._rate)
        if wait > 0:
            self._on_refused(self._kind)
            seconds = max(1, math.ceil(wait))
            detail = (
                f"More than {self._per_minute} requests a minute came from this {self._kind}. "
                f"Ask again in {seconds} second{'s' if seconds != 1 else ''}."
            )
            raise ProblemError(429, "rate-limited", "Too many requests", detail, retry_after_seconds=seconds)
