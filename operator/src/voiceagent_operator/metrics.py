"""The operator's own numbers for Prometheus. The registry is made at the entry point and handed in."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_RECONCILE_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_REQUEST_BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30)
NO_ANSWER: Final = "none"
"""The code of a request that was not answered."""
DEAD_WORKER: Final = "dead_worker"
NO_AGENT: Final = "no_agent"
"""Why an agent is called."""


class Metrics:
    """What is counted, and what is read when Prometheus asks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.reconciles = Counter(
            "voiceagent_operator_reconciles",
            "Reconciles by result: done, hindered by what somebody must change, or put off to be tried again.",
            ["result"],
            registry=registry,
        )
        self.reconcile_seconds = Histogram(
            "voiceagent_operator_reconcile_seconds",
            "How long a reconcile took.",
            buckets=_RECONCILE_BUCKETS,
            registry=registry,
        )
        self.requests = Counter(
            "voiceagent_operator_api_requests",
            "Requests to the API server by method and status code, without watches.",
            ["method", "code"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "voiceagent_operator_api_request_seconds",
            "How long the API server took to answer, by method.",
            ["method"],
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self.watch_errors = Counter(
            "voiceagent_operator_watch_errors",
            "Watches that the API server refused or ended by an error, by kind and status code.",
            ["kind", "code"],
            registry=registry,
        )
        self.dispatches = Counter(
            "voiceagent_operator_dispatches",
            "Agents called into rooms that had lost theirs (dead_worker) or never got one (no_agent).",
            ["reason"],
            registry=registry,
        )
        self.dispatch_failures = Counter(
            "voiceagent_operator_dispatch_failures",
            "Rooms in which an agent was to be called and LiveKit refused or did not answer, by reason.",
            ["reason"],
            registry=registry,
        )
        for result in ("done", "hindered", "retried"):
            self.reconciles.labels(result)
        for reason in (DEAD_WORKER, NO_AGENT):
            self.dispatches.labels(reason)
            self.dispatch_failures.labels(reason)

    def read(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge whose value is asked for when Prometheus asks."""
        Gauge(f"voiceagent_operator_{name}", text, registry=self.registry).set_function(value)

    def read_each(self, name: str, text: str, label: str, values: Callable[[], Mapping[str, float]]) -> None:
        """A gauge with a value for each label, all asked for when Prometheus asks."""
        self.registry.register(_Gauges(f"voiceagent_operator_{name}", text, label, values))


class _Gauges(Collector):
    def __init__(self, name: str, text: str, label: str, values: Callable[[], Mapping[str, float]]) -> None:
        self._name, self._text, self._label, self._values = name, text, label, values

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._text, labels=[self._label])
        for of, value in self._values().items():
            family.add_metric([of], value)
        yield family
