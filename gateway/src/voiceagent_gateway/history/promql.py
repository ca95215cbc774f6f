"""The history as a Prometheus-compatible store tells it: which queries, and points made of their answers. Pure.

The metrics are those that worker pods export, see docs/metrics.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, NamedTuple

from voiceagent_gateway.history.latencies import PERCENT, STAGES, Quantiles
from voiceagent_gateway.history.points import AgentPoints, Point
from voiceagent_gateway.history.question import Question, Span

HISTOGRAMS: Final = {
    "e2e": "voiceagent_turn_e2e_latency_seconds",
    "stt": "voiceagent_stt_latency_seconds",
    "llm_ttft": "voiceagent_llm_ttft_seconds",
    "tts_ttfb": "voiceagent_tts_ttfb_seconds",
}
LOOKS: Final = 60
"""How often within a step it is looked how many calls there are; once a minute at most."""
NAMESPACE: Final = "namespace"
AGENT: Final = "agent"
OUTCOME: Final = "outcome"


class Query(NamedTuple):
    """One query, and what its answer is."""

    of: str
    """active_max, active_mean, started, ended, turns, or one of STAGES."""
    text: str
    percent: int = 0
    """Which percentile of the stage."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of an answer: its labels, and its values by seconds since 1970."""

    labels: Mapping[str, str]
    values: Sequence[tuple[float, str]]


@dataclass(slots=True)
class _Draft:
    """A point as the answers come in."""

    numbers: dict[str, float] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    latencies: dict[tuple[str, int], float] = field(default_factory=dict)


def queries(question: Question, span: Span) -> list[Query]:
    """What is asked of the store. Each value tells of the step that ends when it was so."""
    chosen = ""
    if question.agent is not None:
        namespace, agent = question.agent
        chosen = f'{{{NAMESPACE}="{namespace}",{AGENT}="{agent}"}}'
    window = f"{span.step}s"
    by = f"sum by ({NAMESPACE}, {AGENT}"
    active = f"({by}) (voiceagent_sessions_active{chosen}))[{window}:{max(60, span.step // LOOKS)}s]"
    found = [
        Query("active_max", f"max_over_time({active})"),
        Query("active_mean", f"avg_over_time({active})"),
        Query("started", f"{by}) (increase(voiceagent_sessions_started_total{chosen}[{window}]))"),
        Query("ended", f"{by}, {OUTCOME}) (increase(voiceagent_sessions_ended_total{chosen}[{window}]))"),
        Query("turns", f"{by}) (increase({HISTOGRAMS['e2e']}_count{chosen}[{window}]))"),
    ]
    for stage in STAGES:
        counts = f"{by}, le) (increase({HISTOGRAMS[stage]}_bucket{chosen}[{window}]))"
        found += [Query(stage, f"histogram_quantile({percent / 100}, {counts})", percent) for percent in PERCENT]
    return found


def agents_of(answers: Iterable[tuple[Query, Sequence[Series]]], span: Span) -> list[AgentPoints]:
    """The points of all agents that the answers tell of."""
    drafts: dict[tuple[str, str], dict[int, _Draft]] = {}
    for query, lines in answers:
        for line in lines:
            agent = (line.labels.get(NAMESPACE, ""), line.labels.get(AGENT, ""))
            steps = drafts.setdefault(agent, {})
            for at, text in line.values:
                value = float(text)
                if isfinite(value):
                    start = round(at * 1000) - span.step * 1000
                    _take_in(steps.setdefault(start, _Draft()), query, line.labels, value)
    found = []
    for (namespace, name), steps in sorted(drafts.items()):
        if points := [_point(start, draft) for start, draft in sorted(steps.items()) if _has_something(draft)]:
            found.append(AgentPoints(namespace, name, points))
    return found


def _take_in(draft: _Draft, query: Query, labels: Mapping[str, str], value: float) -> None:
    if query.of in HISTOGRAMS:
        draft.latencies[query.of, query.percent] = round(value * 1000, 1)
    elif query.of == "ended":
        # The store draws out what it saw to the whole step: a call may be 1.07 calls.
        if round(value):
            draft.ended[labels.get(OUTCOME, "")] = round(value)
    else:
        draft.numbers[query.of] = value


def _has_something(draft: _Draft) -> bool:
    return any(round(value, 3) for value in draft.numbers.values()) or bool(draft.ended)


def _point(start: int, draft: _Draft) -> Point:
    numbers = draft.numbers
    return Point(
        start,
        round(numbers.get("active_max", 0)),
        round(numbers.get("active_mean", 0.0), 3),
        round(numbers.get("started", 0)),
        draft.ended,
        round(numbers.get("turns", 0)),
        [_quantiles(stage, draft.latencies) for stage in STAGES],
    )


def _quantiles(stage: str, latencies: Mapping[tuple[str, int], float]) -> Quantiles | None:
    found = [latencies.get((stage, percent)) for percent in PERCENT]
    p50, p95, p99 = found
    return None if p50 is None or p95 is None or p99 is None else Quantiles(p50, p95, p99)
