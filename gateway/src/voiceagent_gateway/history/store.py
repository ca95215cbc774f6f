"""The history in SQLite: what is written each time the pods were looked at, as one transaction."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from voiceagent_api.worker_status import SessionRecord

from voiceagent_gateway.history import rollups
from voiceagent_gateway.history.moments import moment
from voiceagent_gateway.history.sightings import (
    UNKNOWN,
    Key,
    Known,
    Sighting,
    advance,
    conclude,
    trimmed,
)
from voiceagent_gateway.history.tally import Minutes, Tally, minute_of, rolled_up
from voiceagent_gateway.model import PastSession, PodRef

DETAIL_TURNS: Final = 50
"""Turns that are kept of a call while it is among the recent ones."""
FORGOTTEN: Final = "forgotten"
"""The mark until when calls may be forgotten: one that ended before and is not known is not counted (again)."""
Agent = tuple[str, str, bool]
"""Namespace, name, and whether it is made up for a test."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look at the pods found."""

    now: int
    news: Sequence[Sighting] = ()
    lost: Sequence[Key] = ()
    active: Mapping[tuple[str, str], int] | None = None


def write(connection: sqlite3.Connection, batch: Batch) -> dict[Key, Known]:
    """Count the batch; returns what is known now of its calls."""
    series: dict[Agent, int] = {}
    forgotten = mark(connection, FORGOTTEN)
    counted: dict[Key, Known] = {}
    more: dict[int, Minutes] = {}
    for sighting in batch.news:
        before = known_of(connection, sighting.key)
        if before is None and sighting.ended is not None and sighting.ended <= forgotten:
            counted[sighting.key] = Known(0, 0, sighting.ended, sighting.outcome, 0, 0)
            continue
        after, minutes = advance(before, sighting)
        number = _series(connection, (sighting.pod.namespace, sighting.pod.agent, sighting.test), series)
        counted[sighting.key] = after
        _take_in(more.setdefault(number, {}), minutes)
        _keep(connection, number, sighting, after)
    for key in batch.lost:
        if (known := known_of(connection, key)) is None or known.ended is not None:
            continue
        counted[key], minutes = conclude(known)
        number = connection.execute("SELECT series FROM sessions WHERE pod_uid = ? AND id = ?", key).fetchone()[0]
        _take_in(more.setdefault(number, {}), minutes)
        connection.execute(
            "UPDATE sessions SET ended = seen, outcome = ? WHERE pod_uid = ? AND id = ?", (UNKNOWN, *key)
        )
    for (namespace, agent), calls in (batch.active or {}).items():
        number = _series(connection, (namespace, agent, False), series)
        minute = more.setdefault(number, {}).setdefault(minute_of(batch.now), Tally())
        minute.active_max = max(minute.active_max, calls)
    for number, minutes in more.items():
        for (resolution, start), tally in rolled_up(minutes).items():
            rollups.add(connection, resolution, number, start, tally)
    return counted


def running(connection: sqlite3.Connection) -> dict[Key, Known]:
    """The calls that ran when they were last seen."""
    rows = connection.execute(
        "SELECT pod_uid, sessions.id, started, seen, ended, outcome, turns, last_turn "
        "FROM series JOIN sessions ON series = series.id AND ended IS NULL"
    )
    return {(uid, id_): Known(*known) for uid, id_, *known in rows}


def ended_since(connection: sqlite3.Connection, since: int, most: int) -> list[PastSession]:
    """The real calls that ended since then of which the details are kept: the latest `most`, the oldest first."""
    return _past(
        connection.execute(
            f"{PAST} WHERE ended > ? AND record IS NOT NULL AND NOT test ORDER BY ended DESC LIMIT ?",
            (since, most),
        )
    )[::-1]


def ended_of(connection: sqlite3.Connection, keys: Iterable[Key]) -> list[PastSession]:
    """These calls, as far as they have ended and their details are kept."""
    found: list[PastSession] = []
    for key in keys:
        query = f"{PAST} WHERE pod_uid = ? AND sessions.id = ? AND ended IS NOT NULL AND record IS NOT NULL"
        found += _past(connection.execute(query, key))
    return found


def known_of(connection: sqlite3.Connection, key: Key) -> Known | None:
    """What has been counted of a call."""
    row = connection.execute(
        "SELECT started, seen, ended, outcome, turns, last_turn FROM sessions WHERE pod_uid = ? AND id = ?", key
    ).fetchone()
    return None if row is None else Known(*row)


def mark(connection: sqlite3.Connection, name: str) -> int:
    """A number that is kept under this name; 0 where none is."""
    row = connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])


PAST: Final = (
    "SELECT pod_uid, namespace, pod, agent, revision, record, ended, outcome, test "
    "FROM sessions JOIN series ON series.id = sessions.series"
)


def _past(rows: Iterable[Sequence[Any]]) -> list[PastSession]:
    found = []
    for uid, namespace, pod, agent, revision, record, ended, outcome, test in rows:
        # Another version of the gateway may have written it.
        with suppress(ValidationError):
            details = SessionRecord.model_validate_json(record)
            ref = PodRef(uid, namespace, pod, agent, revision, phase="Succeeded")
            found.append(PastSession(ref, details, moment(ended), outcome, bool(test)))
    return found


def _series(connection: sqlite3.Connection, agent: Agent, found: dict[Agent, int]) -> int:
    if agent not in found:
        connection.execute("INSERT OR IGNORE INTO series (namespace, agent, test) VALUES (?, ?, ?)", agent)
        query = "SELECT id FROM series WHERE namespace = ? AND agent = ? AND test = ?"
        found[agent] = connection.execute(query, agent).fetchone()[0]
    return found[agent]


def _take_in(own: Minutes, more: Minutes) -> None:
    for minute, tally in more.items():
        own.setdefault(minute, Tally()).add(tally)


def _keep(connection: sqlite3.Connection, series: int, sighting: Sighting, known: Known) -> None:
    record = trimmed(sighting.record, DETAIL_TURNS).model_dump_json(by_alias=True, exclude_defaults=True)
    pod = sighting.pod
    connection.execute(
        "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *sighting.key,
            series,
            pod.name,
            pod.revision,
            known.started,
            known.seen,
            known.ended,
            known.outcome,
            known.turns,
            known.last_turn,
            record,
        ),
    )
