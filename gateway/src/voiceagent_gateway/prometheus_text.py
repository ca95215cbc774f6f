"""The fleet and the gateway's own counters for a Prometheus scraper."""

from collections import Counter as Tally
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from voiceagent_gateway.merge import Fleet
from voiceagent_gateway.model import PodView

TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
AGENT_LABELS: Final = ("namespace", "agent")
ALERTED_PROBLEMS: Final = (
    "agent-full",
    "agent-not-ready",
    "too-many-waiting",
    "budget-exceeded",
    "livekit-credentials",
)
"""Refusals that the chart's alerts watch: a series that appears with its first event hides that event from them."""


class GatewayCounters:
    """What this gateway has done since it started. Labels name agents and kinds of problem, never callers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.tokens = Counter("voiceagent_gateway_tokens", "Tokens given.", AGENT_LABELS, registry=self.registry)
        self.refusals = Counter(
            "voiceagent_gateway_token_refusals", "Tokens refused.", ("problem",), registry=self.registry
        )
        for problem in ALERTED_PROBLEMS:
            self.refusals.labels(problem)
        self.dispatches = Counter(
            "voiceagent_gateway_dispatches",
            "Agents called into rooms that lived without one.",
            AGENT_LABELS,
            registry=self.registry,
        )

        self._rate_limited = Counter(
            "voiceagent_gateway_rate_limited",
            "Requests beyond a rate limit, by what the limit counts by.",
            ("limit",),
            registry=self.registry,
        )

    def rate_limited(self, limit: str) -> None:
        """Count a request that was too many."""
        self._rate_limited.labels(limit).inc()

    def text(self, fleet: Fleet, *, as_openmetrics: bool) -> tuple[bytes, str]:
        """The exposition and its content type."""
        both = _Both(fleet, self.registry)
        if as_openmetrics:
            return openmetrics.generate_latest(both), OPENMETRICS_TYPE  # type: ignore[no-untyped-call]
        return generate_latest(both), TEXT_TYPE


class _Both(Collector):
    """The fleet's families, then the gateway's."""

    def __init__(self, fleet: Fleet, own: CollectorRegistry) -> None:
        self._fleet = fleet
        self._own = own

    def collect(self) -> Iterator[Metric]:
        yield from fleet_families(self._fleet)
        yield from self._own.collect()


def fleet_families(fleet: Fleet) -> Iterator[Metric]:
    """The fleet as metric families. Pure."""
    pods = GaugeMetricFamily("voiceagent_fleet_pods", "Worker pods by state.", labels=[*AGENT_LABELS, "state"])
    for (namespace, agent, state), count in _tally((v.pod.namespace, v.pod.agent, _state(v)) for v in fleet.pods):
        pods.add_metric([namespace, agent, state], count)
    yield pods

    active = GaugeMetricFamily("voiceagent_fleet_sessions_active", "Calls now.", labels=AGENT_LABELS)
    # An agent whose pods are all idle has no session to be counted by, and is at 0 rather than absent.
    calls = Tally({(view.pod.namespace, view.pod.agent): 0 for view in fleet.pods})
    calls.update((session.pod.namespace, session.pod.agent) for session in fleet.active)
    for (namespace, agent), count in sorted(calls.items()):
        active.add_metric([namespace, agent], count)
    yield active

    recent = GaugeMetricFamily(
        "voiceagent_fleet_sessions_recent",
        "Calls that ended within the last hour, by outcome.",
        labels=[*AGENT_LABELS, "outcome"],
    )
    for (namespace, agent, outcome), count in _tally((s.pod.namespace, s.pod.agent, s.outcome) for s in fleet.recent):
        recent.add_metric([namespace, agent, outcome], count)
    yield recent

    latency = GaugeMetricFamily(
        "voiceagent_fleet_latency_seconds",
        "Mean over the turns of the last hour, by stage.",
        labels=["stage"],
    )
    performance = fleet.performance
    stages = {
        "stt": performance.stt,
        "llm": performance.llm_ttft,
        "tts": performance.tts_ttfb,
        "e2e": performance.e2e,
    }
    for stage, milliseconds in stages.items():
        if milliseconds is not None:
            latency.add_metric([stage], milliseconds / 1000)
    yield latency


def _tally(keys: Iterator[tuple[str, str, str]]) -> list[tuple[tuple[str, str, str], int]]:
    return sorted(Tally(keys).items())


def _state(view: PodView) -> str:
    if view.stale:
        return "stale"
    if view.status is None:
        return "starting"
    if view.status.draining or view.pod.terminating:
        return "draining"
    return "ready" if view.pod.ready else "not_ready"
