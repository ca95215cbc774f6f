"""What the history forgets: what is older than it is kept for, and the oldest where the file is nearly full.

Little at a time, at each writing: no other work waits long for it.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from voiceagent_gateway.history.store import FORGOTTEN, mark
from voiceagent_gateway.history.tally import RESOLUTIONS
from voiceagent_gateway.model import AgentRef

PIECE: Final = 500
"""Rows of one agent that go at a time."""
HOUR: Final = 3_600_000
DETAIL: Final = HOUR
"""For how long the details of an ended call are kept: as long as it is among the recent ones."""
FULL: Final = 0.9
"""Part of the file's bound from which on the oldest goes."""
ROOM: Final = 0.05
"""Part of the bound that is made free then."""
MOST_PIECES: Final = 20
STRETCH: Final = 60
"""Rollups of one agent that go at a time where the file is nearly full."""


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many hours things are kept."""

    hours: int
    by_agent: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """What agents say for themselves, by namespace and name. The lesser counts."""

    def of(self, namespace: str, agent: str) -> int:
        """For how many hours an agent's history is kept."""
        return min(self.hours, self.by_agent.get((namespace, agent), self.hours))


def retention(hours: int, agents: Iterable[AgentRef]) -> Retention:
    """The retention of the gateway and of these agents."""
    return Retention(hours, {(agent.namespace, agent.name): agent.retention_hours for agent in agents})


def prune(connection: sqlite3.Connection, retention: Retention, now: int, *, full: bool = False) -> None:
    """Forget a piece of what is old, or too much. `full` tells that the last writing did not find room."""
    agents = connection.execute("SELECT id, namespace, agent FROM series").fetchall()
    for series, namespace, agent in agents:
        oldest = now - retention.of(namespace, agent) * HOUR
        _drop_sessions(connection, series, oldest)
        for resolution in RESOLUTIONS:
            _drop_rollups(connection, resolution, series, oldest - resolution * 1000, PIECE)
    connection.execute(
        "UPDATE sessions SET record = NULL WHERE (pod_uid, id) IN "
        "(SELECT pod_uid, id FROM sessions WHERE record IS NOT NULL AND ended < ? LIMIT ?)",
        (now - DETAIL, PIECE),
    )
    connection.execute(
        "DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE series = series.id) "
        "AND NOT EXISTS (SELECT 1 FROM rollups WHERE resolution IN (60, 600, 3600, 86400) AND series = series.id)"
    )
    used = fullness(connection)
    if not full and used <= FULL:
        return
    wanted = min(FULL, used) - ROOM
    for _ in range(MOST_PIECES):
        if fullness(connection) <= wanted or not _drop_oldest(connection, [row[0] for row in agents], now - HOUR):
            return


def fullness(connection: sqlite3.Connection) -> float:
    """Which part of its bound the file uses."""
    used = _number(connection, "PRAGMA page_count") - _number(connection, "PRAGMA freelist_count")
    return used / _number(connection, "PRAGMA max_page_count")


def _drop_oldest(connection: sqlite3.Connection, agents: list[int], hour_ago: int) -> bool:
    # Single calls before rollups, minutes before hours: what tells of the longest time for its size goes last. Calls
    # of the last hour stay: pods tell of them again, and of others that are still to be counted.
    oldest = [
        found
        for series in agents
        if (found := _number(connection, "SELECT min(ended) FROM sessions WHERE series = ?", series)) is not None
    ]
    if oldest and min(oldest) < hour_ago:
        until = min(min(oldest) + HOUR, hour_ago)
        for series in agents:
            _drop_sessions(connection, series, until)
        known = max(mark(connection, FORGOTTEN), until)
        connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (FORGOTTEN, known))
        return True
    for resolution in RESOLUTIONS:
        query = "SELECT min(start) FROM rollups WHERE resolution = ? AND series = ?"
        starts = [start for s in agents if (start := _number(connection, query, resolution, s)) is not None]
        if starts:
            for series in agents:
                _drop_rollups(connection, resolution, series, min(starts) + STRETCH * resolution * 1000, STRETCH)
            return True
    return False


def _drop_sessions(connection: sqlite3.Connection, series: int, before: int) -> None:
    connection.execute(
        "DELETE FROM sessions WHERE (pod_uid, id) IN "
        "(SELECT pod_uid, id FROM sessions WHERE series = ? AND ended < ? LIMIT ?)",
        (series, before, PIECE),
    )


def _drop_rollups(connection: sqlite3.Connection, resolution: int, series: int, before: int, most: int) -> None:
    connection.execute(
        "DELETE FROM rollups WHERE resolution = ?1 AND series = ?2 AND start IN "
        "(SELECT start FROM rollups WHERE resolution = ?1 AND series = ?2 AND start < ?3 ORDER BY start LIMIT ?4)",
        (resolution, series, before, most),
    )


def _number(connection: sqlite3.Connection, query: str, *values: int) -> int:
    found: int = connection.execute(query, values).fetchone()[0]
    return found
