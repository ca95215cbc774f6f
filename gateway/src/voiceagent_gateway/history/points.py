"""The history as dashboards are answered: for each agent a list of points, one a step. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from voiceagent_gateway.history.latencies import STAGES, Quantiles
from voiceagent_gateway.history.moments import moment
from voiceagent_gateway.model import iso


class HistoryError(Exception):
    """The history cannot be looked up now; the message says why."""


class Point(NamedTuple):
    """What one step had."""

    start: int
    """When the step began, in milliseconds since 1970."""
    active_max: int
    """Most calls at once."""
    active_mean: float
    """Calls at once, over the step; where it is not over, until now."""
    started: int
    ended: Mapping[str, int]
    """By outcome."""
    turns: int
    latencies: Sequence[Quantiles | None]
    """In the order of STAGES; None where nothing was measured."""


@dataclass(frozen=True, slots=True)
class AgentPoints:
    """One agent's points, the oldest first; steps in which nothing was are left out."""

    namespace: str
    agent: str
    points: Sequence[Point]
    test: bool = False
    """Whether it is made up for a test."""


@dataclass(frozen=True, slots=True)
class History:
    """An answer."""

    start: int
    end: int
    step: int
    """In seconds."""
    source: str
    """Where it comes from: the gateway's own database, or a Prometheus-compatible store."""
    agents: Sequence[AgentPoints]


def as_json(history: History) -> bytes:
    """The answer as JSON. Written by hand: with up to 20,000 points a general encoder would take long."""
    stamps: dict[int, str] = {}
    agents = ",".join(_agent(one, stamps) for one in history.agents)
    head = f'"from":"{_iso(history.start)}","to":"{_iso(history.end)}","step_seconds":{history.step}'
    return f'{{{head},"source":{_quoted(history.source)},"agents":[{agents}]}}'.encode()


def _agent(one: AgentPoints, stamps: dict[int, str]) -> str:
    points = ",".join(_point(point, stamps) for point in one.points)
    names = f'"namespace":{_quoted(one.namespace)},"agent":{_quoted(one.agent)}'
    return f'{{{names},"test":{"true" if one.test else "false"},"points":[{points}]}}'


def _point(point: Point, stamps: dict[int, str]) -> str:
    start, active_max, active_mean, started, ended, turns, latencies = point
    stamp = stamps.get(start) or stamps.setdefault(start, _iso(start))
    outcomes = ",".join([f"{_quoted(outcome)}:{count}" for outcome, count in ended.items()])
    stages = ",".join([_STAGE[place] + _quantiles(found) for place, found in enumerate(latencies)])
    return (
        f'{{"timestamp":"{stamp}","active":{{"max":{active_max},"mean":{active_mean}}},"started":{started},'
        f'"ended":{{{outcomes}}},"turns":{turns},"latency":{{{stages}}}}}'
    )


@lru_cache(maxsize=8192)
def _quantiles(found: Quantiles | None) -> str:
    return "null" if found is None else f'{{"p50":{found[0]},"p95":{found[1]},"p99":{found[2]}}}'


def _iso(kept: int) -> str:
    return iso(moment(kept))


@lru_cache(maxsize=256)
def _quoted(text: str) -> str:
    return json.dumps(text)


_STAGE = tuple(f'"{stage}":' for stage in STAGES)
