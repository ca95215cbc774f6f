"""Metrics of plugins and providers of one's own, from a call's process to the pod's `/metrics`.

Third parties declare them in REGISTRY with prometheus_client. Each call tells the main process what its own registry
holds: totals since the call began, never differences, so that a lost word costs nothing. `pod_metrics.py` is the
other end.
"""

import asyncio
import logging
import math
import re
from collections.abc import Callable, Iterator
from typing import Final, get_args

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from voiceagent_worker.channel import MAX_LINE_BYTES
from voiceagent_worker.events import MetricFamily, MetricKind, MetricSample, OwnMetrics, SentEvent, encode

logger = logging.getLogger(__name__)

REGISTRY: Final = CollectorRegistry(auto_describe=False)
"""For `registry=` of a Counter, Gauge, Histogram or Summary; read in calls only."""
TELL_SECONDS: Final = 5.0
"""Between two looks; also what a process that dies takes with it at most."""
MAX_SAMPLES: Final = 300
"""Of one metric, buckets included."""
RESERVED_LABELS: Final = frozenset({"namespace", "agent", "revision"})
RESERVED_PREFIX: Final = "voiceagent_"
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,99}")
_MAX_TEXT: Final = 100
_MAX_LABELS: Final = 8


class OwnMetricsTeller:
    """Tells of one call's registry."""

    def __init__(
        self, session: str, send: Callable[[SentEvent], None], registry: CollectorRegistry | None = None
    ) -> None:
        self._session = session
        self._send = send
        self._registry = REGISTRY if registry is None else registry
        self._told: dict[str, MetricFamily] = {}
        self._refused: set[str] = set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.tell()
            await asyncio.sleep(TELL_SECONDS)

    def tell(self) -> None:
        """Tell what changed since the last time. Never fails: a call is worth more than its metrics."""
        try:
            found = list(self._registry.collect())
        except Exception as error:
            self._refuse("a collector", f"failed ({type(error).__name__})")
            return
        for metric in found:
            family = self._family(metric)
            if family is None or self._told.get(family.name) == family:
                continue
            event = OwnMetrics(session=self._session, family=family)
            if len(encode(event)) > MAX_LINE_BYTES:
                self._refuse(family.name, "has too many series, or too long labels")
                continue
            self._told[family.name] = family
            self._send(event)

    def _family(self, metric: Metric) -> MetricFamily | None:
        kind = next((kind for kind in get_args(MetricKind) if kind == metric.type), None)
        problem = _problem(metric, kind)
        if kind is None or problem:
            self._refuse(metric.name, problem)
            return None
        samples = list(_samples(metric))
        if len(samples) > MAX_SAMPLES:
            self._refuse(metric.name, f"has more than {MAX_SAMPLES} series")
            return None
        return MetricFamily(name=metric.name, kind=kind, help=metric.documentation[:_MAX_TEXT], samples=samples)

    def _refuse(self, name: str, problem: str) -> None:
        if name not in self._refused:
            self._refused.add(name)
            logger.warning("The metric %s of a plugin or provider is left out: it %s", name, problem)


def _problem(metric: Metric, kind: MetricKind | None) -> str:
    if kind is None:
        return "is no counter, gauge, histogram or summary"
    if metric.name.startswith(RESERVED_PREFIX) or not _NAME.fullmatch(metric.name):
        return f"needs another name: letters, digits and _, and not beginning with {RESERVED_PREFIX}"
    labels = {label for sample in metric.samples for label in sample.labels}
    if labels & RESERVED_LABELS:
        return f"may not have the labels {', '.join(sorted(labels & RESERVED_LABELS))}: every metric gets them"
    if len(labels) > _MAX_LABELS:
        return f"has more than {_MAX_LABELS} labels"
    return ""


def _samples(metric: Metric) -> Iterator[MetricSample]:
    for sample in metric.samples:
        # when a series was made is another in each call
        if not sample.name.endswith("_created") and math.isfinite(sample.value):
            labels = {name: str(value)[:_MAX_TEXT] for name, value in sample.labels.items()}
            yield MetricSample(name=sample.name, labels=labels, value=sample.value)
