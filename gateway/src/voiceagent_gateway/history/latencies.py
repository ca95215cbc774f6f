"""Latencies as counts in fixed buckets: what many minutes measured adds up, and any share of it can be told. Pure.

A bucket is 9 % wide, so that a percentile is told within 4.5 % of what the turns themselves would give.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from struct import Struct
from typing import Final, NamedTuple

from voiceagent_api.worker_status import TurnRecord

STAGES: Final = ("e2e", "stt", "llm_ttft", "tts_ttfb")
"""What a turn measures, in the order in which it is kept."""
PER_DOUBLING: Final = 8
LAST_BUCKET: Final = 136
"""Begins at two minutes and has all that took longer."""
BUCKET_ERROR: Final = 2 ** (0.5 / PER_DOUBLING) - 1
"""Most by which a percentile differs from the measured one, between 1 ms and two minutes."""
PERCENT: Final = (50, 95, 99)
_NOTHING: Final = b"\xff\xff\xff"
_MIDDLES: Final = tuple(round(2 ** ((bucket - 0.5) / PER_DOUBLING), 2) for bucket in range(LAST_BUCKET + 1))
_COUNTS: Final = tuple(Struct(f"<{number}I") for number in range(LAST_BUCKET + 2))

Counts = dict[int, int]
"""How many measurements each bucket has."""


class Quantiles(NamedTuple):
    """Milliseconds that the given percentage of the measurements did not exceed."""

    p50: float
    p95: float
    p99: float


def measured(turn: TurnRecord) -> tuple[float | None, ...]:
    """A turn's latencies in milliseconds, in the order of STAGES."""
    return (turn.e2e_milliseconds, turn.stt_milliseconds, turn.llm_ttft_milliseconds, turn.tts_ttfb_milliseconds)


def bucket_of(milliseconds: float) -> int:
    """The bucket that counts this latency. Bucket n ends at 2^(n/8) ms."""
    if not milliseconds > 1:  # what is no number, too
        return 0
    if math.isinf(milliseconds):
        return LAST_BUCKET
    return min(LAST_BUCKET, math.ceil(PER_DOUBLING * math.log2(milliseconds)))


def encode(stages: Sequence[Mapping[int, int]]) -> bytes:
    """The counts of all stages as they are kept.

    First the buckets of each stage's percentiles, so that whoever wants no more need not count. Then for each stage
    how many buckets it has, which, and the count of each.
    """
    heads, parts = [], []
    for counts in stages:
        buckets = sorted(bucket for bucket, count in counts.items() if count > 0)
        numbers = [counts[bucket] for bucket in buckets]
        heads.append(_percentiles(buckets, numbers))
        parts.append(bytes((len(buckets), *buckets)))
        parts.append(_COUNTS[len(buckets)].pack(*numbers))
    return b"".join([*heads, *parts])


def decode(kept: bytes) -> Iterator[tuple[bytes, tuple[int, ...]]]:
    """For each stage its buckets, in their order, and their counts."""
    place = len(STAGES) * len(PERCENT)
    while place < len(kept):
        number = kept[place]
        behind = place + 1 + number
        yield kept[place + 1 : behind], _COUNTS[number].unpack_from(kept, behind)
        place = behind + 4 * number


def quantiles(counts: Mapping[int, int]) -> Quantiles | None:
    """The percentiles of counted latencies, each as the middle of its bucket; None where nothing was measured."""
    buckets = sorted(counts)
    return _told(_percentiles(buckets, [counts[bucket] for bucket in buckets]))


def kept_quantiles(kept: bytes) -> Sequence[Quantiles | None]:
    """The same for each stage of what is kept."""
    return (_told(kept[0:3]), _told(kept[3:6]), _told(kept[6:9]), _told(kept[9:12]))


def _percentiles(buckets: Sequence[int], counts: Sequence[int]) -> bytes:
    if not buckets:
        return _NOTHING
    up_to = list(accumulate(counts))
    return bytes(buckets[bisect_left(up_to, -(-up_to[-1] * percent // 100))] for percent in PERCENT)


@lru_cache(maxsize=8192)
def _told(percentiles: bytes) -> Quantiles | None:
    if percentiles == _NOTHING:
        return None
    p50, p95, p99 = (_MIDDLES[bucket] for bucket in percentiles)
    return Quantiles(p50, p95, p99)
