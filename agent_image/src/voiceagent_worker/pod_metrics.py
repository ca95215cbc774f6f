"""Adds up what the calls tell of third parties' metrics, in the main process.

Counters, histograms and summaries of calls that are over are kept as one sum; a gauge is the sum over the calls that
run, and goes with them. Number of metrics and of series are bounded, whatever a plugin makes up.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from voiceagent_worker.events import MetricFamily, MetricKind
from voiceagent_worker.own_metrics import MAX_SAMPLES

logger = logging.getLogger(__name__)

MAX_FAMILIES: Final = 100

Series = tuple[str, tuple[tuple[str, str], ...]]
"""The name of a sample and its labels."""
Values = Mapping[Series, float]


@dataclass(slots=True)
class _Family:
    name: str
    kind: MetricKind
    help: str
    over: dict[Series, float] = field(default_factory=dict)
    """Of calls that have ended."""
    running: dict[str, Values] = field(default_factory=dict)
    """By session."""

    def end(self, session: str) -> bool:
        """Keep what a call that is over had counted; whether there was room for it."""
        values = self.running.pop(session, None)
        if values is None or self.kind == "gauge":
            return True
        summed = added([self.over, values])
        if len(summed) > MAX_SAMPLES:
            return False
        self.over = summed
        return True


def added(parts: Iterable[Values]) -> dict[Series, float]:
    """Each series' sum. Pure."""
    total: dict[Series, float] = {}
    for part in parts:
        for series, value in part.items():
            total[series] = total.get(series, 0.0) + value
    return total


class PodMetrics(Collector):
    """For the pod's registry."""

    def __init__(self, labels: Sequence[str], identity: Sequence[str]) -> None:
        self._identity = dict(zip(labels, identity, strict=True))
        self._families: dict[str, _Family] = {}
        self._refused: set[str] = set()

    def take_in(self, session: str, told: MetricFamily) -> None:
        """What a call that runs has counted since it began."""
        family = self._families.get(told.name)
        if family is None:
            if len(self._families) >= MAX_FAMILIES or self._clashes(told):
                self._refuse(told.name, "there are too many, or another of that name")
                return
            family = self._families[told.name] = _Family(told.name, told.kind, told.help)
        if family.kind != told.kind:
            self._refuse(told.name, f"another call knows it as a {family.kind}")
            return
        family.running[session] = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in told.samples
        }

    def ended(self, session: str) -> None:
        """A call is over, in whatever way."""
        for family in self._families.values():
            if not family.end(session):
                self._refuse(family.name, f"it has more than {MAX_SAMPLES} series; some label is new in each call")

    def describe(self) -> Iterable[Metric]:
        """None at registration."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All, with the labels of the pod."""
        for family in self._families.values():
            values = added([family.over, *family.running.values()])
            if not values:
                continue
            metric = Metric(family.name, family.help, family.kind)
            for (name, labels), value in values.items():
                metric.add_sample(name, {**self._identity, **dict(labels)}, value)
            yield metric

    def _clashes(self, told: MetricFamily) -> bool:
        """Whether a sample of it would bear the name of another's."""
        names = {sample.name for sample in told.samples} | {told.name}
        return any(
            names & ({family.name} | {name for values in (family.over, *family.running.values()) for name, _ in values})
            for family in self._families.values()
        )

    def _refuse(self, name: str, why: str) -> None:
        if name not in self._refused:
            self._refused.add(name)
            logger.warning("The metric %s of a plugin or provider is left out: %s", name, why)
