"""The rollups in SQLite: added to as calls are seen, and read as points."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import ceil
from typing import Any, Final

from voiceagent_gateway.history.latencies import Counts, Quantiles, decode, encode, kept_quantiles, quantiles
from voiceagent_gateway.history.points import AgentPoints, History, Point
from voiceagent_gateway.history.question import Question, Span, span_of
from voiceagent_gateway.history.tally import RESOLUTIONS, Tally
from voiceagent_gateway.problems import ProblemError

SOURCE: Final = "gateway"
MOST_ROWS: Final = 60_000
"""Rollups that an answer is made of: about a second's work."""
Row = Sequence[Any]
"""start, active_max, active_milliseconds, started, ended, turns, latencies"""
Latencies = Sequence[Quantiles | None]


def add(connection: sqlite3.Connection, resolution: int, series: int, start: int, more: Tally) -> None:
    """Add to the rollup of an agent that begins at `start`."""
    key = (resolution, series, start)
    row = connection.execute(
        "SELECT start, active_max, active_milliseconds, started, ended, turns, latencies FROM rollups "
        "WHERE resolution = ? AND series = ? AND start = ?",
        key,
    ).fetchone()
    total = _tally([] if row is None else [row])
    total.add(more)
    connection.execute(
        "INSERT OR REPLACE INTO rollups VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *key,
            total.active_max,
            total.active_milliseconds,
            total.started,
            json.dumps(total.ended, separators=(",", ":")),
            total.turns,
            encode(total.latencies),
        ),
    )


def read(connection: sqlite3.Connection, question: Question, now: int) -> History:
    """The answer to a question. Raises a 400 problem where it would have too many points."""
    namespace, agent = question.agent or (None, None)
    series = connection.execute(
        "SELECT id, namespace, agent, test FROM series WHERE test = ?1 "
        "AND (?2 IS NULL OR (namespace = ?2 AND agent = ?3)) ORDER BY namespace, agent",
        (question.test, namespace, agent),
    ).fetchall()
    span = span_of(question, len(series))
    resolution = max(r for r in RESOLUTIONS if span.step % r == 0)
    _bound(len(series), span, resolution)
    agents = []
    for number, namespace, agent, test in series:
        rows = connection.execute(
            "SELECT start, active_max, active_milliseconds, started, ended, turns, latencies FROM rollups "
            "WHERE resolution = ? AND series = ? AND start >= ? AND start < ? ORDER BY start",
            (resolution, number, span.start, span.end),
        )
        if points := _points(rows, span, now, one_each=span.step == resolution):
            agents.append(AgentPoints(namespace, agent, points, bool(test)))
    return History(span.start, span.end, span.step, SOURCE, agents)


def _bound(agents: int, span: Span, resolution: int) -> None:
    rows = agents * (span.end - span.start) // (resolution * 1000)
    if rows > MOST_ROWS:
        coarser = next((r for r in RESOLUTIONS if r > resolution), RESOLUTIONS[-1])
        raise ProblemError(
            400,
            "too-many-points",
            "The answer would take too long",
            f"A step of {span.step} s is summed up of {rows} rollups of {resolution} s, of at most {MOST_ROWS}; give a "
            f"step of whole {coarser} s, ask for a shorter time, or for one agent.",
        )


def _points(rows: Iterable[Row], span: Span, now: int, *, one_each: bool) -> list[Point]:
    length = span.step * 1000

    def point(
        start: int, most: int, time: int, started: int, ended: Mapping[str, int], turns: int, latencies: Latencies
    ) -> Point:
        mean = time / max(1, min(length, now - start))
        # A call between two looks was never seen running.
        return Point(start, max(most, ceil(mean)), round(mean, 3), started, ended, turns, latencies)

    if one_each:
        return [
            point(start, most, time, started, _outcomes(ended), turns, kept_quantiles(latencies))
            for start, most, time, started, ended, turns, latencies in rows
        ]
    steps: dict[int, list[Row]] = {}
    for row in rows:
        steps.setdefault(row[0] - row[0] % length, []).append(row)
    points = []
    for start, parts in steps.items():
        total = _tally(parts)
        latencies = [quantiles(counts) for counts in total.latencies]
        points.append(
            point(
                start,
                total.active_max,
                total.active_milliseconds,
                total.started,
                total.ended,
                total.turns,
                latencies,
            )
        )
    return points


def _tally(rows: Iterable[Row]) -> Tally:
    total = Tally()
    for _, active_max, active_milliseconds, started, ended, turns, latencies in rows:
        counts: tuple[Counts, ...] = tuple(dict(zip(*stage, strict=True)) for stage in decode(latencies))
        total.add(Tally(active_max, active_milliseconds, started, dict(_outcomes(ended)), turns, counts))
    return total


@lru_cache(maxsize=1024)
def _outcomes(kept: str) -> Mapping[str, int]:
    found: dict[str, int] = json.loads(kept)
    return found
