"""Latencies as counts in fixed buckets: what many minutes measured adds up, and any share of it can be told. Pure.

A bucket is 9 % wide, so that a percentile is told within 4.5 % of what the turns themselves would give.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
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
    """The counts of all stages as they are kept: for each how many buckets it has, which, and the count of each."""
    parts = []
    for counts in stages:
        buckets = sorted(bucket for bucket, count in counts.items() if count > 0)
        parts.append(bytes((len(buckets), *buckets)))
        parts.append(_COUNTS[len(buckets)].pack(*(counts[bucket] for bucket in buckets)))
    return b"".join(parts)


def decode(kept: bytes) -> Iterator[tuple[bytes, tuple[int, ...]]]:
    """For each stage its buckets, in their order, and their counts."""
    place = 0
    while place < len(kept):
        number = kept[place]
        behind = place + 1 + number
        yield kept[place + 1 : behind], _COUNTS[number].unpack_from(kept, behind)
        place = behind + 4 * number


def quantiles(buckets: Sequence[int], counts: Sequence[int]) -> Quantiles | None:
    """The percentiles of counted latencies, each as the middle of its bucket; None where nothing was measured."""
    if not buckets:
        return None
    up_to = list(accumulate(counts))
    total = up_to[-1]
    return Quantiles(
        _MIDDLES[buckets[bisect_left(up_to, -(-total * 50 // 100))]],
        _MIDDLES[buckets[bisect_left(up_to, -(-total * 95 // 100))]],
        _MIDDLES[buckets[bisect_left(up_to, -(-total * 99 // 100))]],
    )
