"""What a simulated day comes to, in figures. Pure: samples in, numbers out."""

import itertools
import math
import statistics
from collections.abc import Sequence

from busy_day.curve import Call, callers_at_once, refused_by
from busy_day.run import MOST_PODS, PLACES_A_POD, WARM_SESSIONS, Day, Sample
from figures import Figure


def figures(day: Day, calls: Sequence[Call], slow: tuple[float, float]) -> list[Figure]:
    """All figures; `slow` are the hours between which the day had its true speed."""
    samples = day.samples
    callers = _callers(samples, calls)
    ideal = [math.ceil(count / PLACES_A_POD) for count in callers]
    always = [MOST_PODS] * len(samples)
    ups, downs = changes(day.replicas)
    lags = reaction_seconds(samples)
    return [
        Figure("calls that ended with a pod's deletion", day.cut, "", 0),
        Figure("people who call, at most at once", max(sample.callers for sample in samples), ""),
        Figure("calls at once, at most", max(sample.active for sample in samples), ""),
        Figure("pods, at most", max(sample.pods for sample in samples), ""),
        Figure("calls answered", day.answered, ""),
        Figure("calls refused", day.refused, ""),
        Figure("  of 1,000 calls", 1000 * day.refused / (day.answered + day.refused), ""),
        Figure("  by 200 pods that were always there", refused_by(calls, MOST_PODS * PLACES_A_POD), ""),
        Figure("  while the crowd came, at true speed", refused_between(samples, *slow), ""),
        Figure("places that were paid for and empty", 100 * waste(samples, [s.pods for s in samples]), "%"),
        Figure("  with perfect foresight", 100 * waste(samples, ideal, callers), "%"),
        Figure("  with 200 pods all day", 100 * waste(samples, always), "%"),
        Figure("times that the number of pods was raised", ups, ""),
        Figure("times that it was lowered", downs, ""),
        Figure("from the need of a pod until it takes calls, median", statistics.median(lags), "s"),
        Figure("  95 of 100", percentile(lags, 0.95), "s"),
        Figure("  slowest", max(lags), "s"),
        Figure("CPU of the operator, of one core", 100 * day.operator_cpu_seconds / day.seconds, "%"),
        Figure("memory of the operator, at its highest", day.operator_megabytes, "MB"),
    ]


def changes(replicas: Sequence[int]) -> tuple[int, int]:
    """How often a number was raised, and lowered."""
    steps = list(itertools.pairwise(replicas))
    return sum(after > before for before, after in steps), sum(after < before for before, after in steps)


def waste(samples: Sequence[Sample], pods: Sequence[int], calls: Sequence[int] | None = None) -> float:
    """The share of the places' time that nobody had, were there so many pods at each sample; by the day's own hours.

    `calls` are those on the places; by default those that really ran.
    """
    taken = [sample.active for sample in samples] if calls is None else calls
    hours = [after.hour - before.hour for before, after in itertools.pairwise(samples)]
    paid = sum(PLACES_A_POD * count * length for count, length in zip(pods, hours, strict=False))
    used = sum(count * length for count, length in zip(taken, hours, strict=False))
    return 1 - used / paid


def reaction_seconds(samples: Sequence[Sample]) -> list[float]:
    """For each pod that was needed for the first time: how long, really, until as many took calls.

    What is needed are the calls that run and the places to be kept free, as the operator would count them if it saw
    everything at once. A sample a second makes this right to a second.
    """
    needed: dict[int, float] = {}
    served: dict[int, float] = {}
    most_needed = most_served = samples[0].serving
    for sample in samples:
        need = min(math.ceil((sample.active + WARM_SESSIONS) / PLACES_A_POD), MOST_PODS)
        for count in range(most_needed + 1, need + 1):
            needed[count] = sample.seconds
        for count in range(most_served + 1, sample.serving + 1):
            served[count] = sample.seconds
        most_needed, most_served = max(most_needed, need), max(most_served, sample.serving)
    return [max(0.0, served[count] - since) for count, since in needed.items() if count in served]


def refused_between(samples: Sequence[Sample], since: float, until: float) -> int:
    """Callers who were refused between two hours."""
    counts = [sample.refused for sample in samples if since <= sample.hour <= until]
    return counts[-1] - counts[0] if counts else 0


def percentile(values: Sequence[float], share: float) -> float:
    """By nearest rank."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _callers(samples: Sequence[Sample], calls: Sequence[Call]) -> list[int]:
    """What perfect foresight provides for: everybody whom 200 pods can take."""
    counts = callers_at_once(calls, [sample.hour for sample in samples])
    return [min(count, MOST_PODS * PLACES_A_POD) for count in counts]
