"""The usage in SQLite: lines by day, and how much of each call is counted in them. One transaction holds both."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from voiceagent_gateway.usage.tally import NAMES, Changes, Counted, Line, Quantities, amounts

DAYS_KEPT: Final = 400
_AMOUNTS: Final = ", ".join(NAMES)
_COLUMNS: Final = ", ".join(f"{name} INTEGER NOT NULL" for name in NAMES)
SCHEMA: Final = (
    f"""CREATE TABLE IF NOT EXISTS usage_days (
        day TEXT NOT NULL, namespace TEXT NOT NULL, agent TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
        {_COLUMNS}, PRIMARY KEY (day, namespace, agent, provider, model)) WITHOUT ROWID""",
    f"""CREATE TABLE IF NOT EXISTS usage_counted (
        pod TEXT NOT NULL, session TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
        {_COLUMNS}, PRIMARY KEY (pod, session, provider, model)) WITHOUT ROWID""",
)
"""For `open_database`."""

Lines = list[tuple[Line, Quantities]]


def read_lines(
    connection: sqlite3.Connection,
    first_day: str,
    last_day: str,
    agent: tuple[str, str] | None = None,
    most: int = -1,
) -> Lines:
    """The lines of some days, of one agent (namespace and name) or all; at most so many, if not less than 0."""
    where, values = "day BETWEEN ? AND ?", [first_day, last_day]
    if agent is not None:
        where, values = f"{where} AND namespace = ? AND agent = ?", [*values, *agent]
    found = connection.execute(
        f"SELECT day, namespace, agent, provider, model, {_AMOUNTS} FROM usage_days WHERE {where} "  # noqa: S608
        "ORDER BY day, namespace, agent, provider, model LIMIT ?",
        (*values, most),
    )
    return [(Line(*row[:5]), Quantities(*row[5:])) for row in found]


def read_counted(connection: sqlite3.Connection) -> dict[Counted, Quantities]:
    """How much of each call is counted."""
    found = connection.execute(f"SELECT pod, session, provider, model, {_AMOUNTS} FROM usage_counted")  # noqa: S608
    return {Counted(*row[:4]): Quantities(*row[4:]) for row in found}


def write(connection: sqlite3.Connection, changes: Changes, oldest_day: str) -> None:
    """Keep changes, and let go of earlier days. They are whole values: to write them twice does no harm."""
    connection.execute("DELETE FROM usage_days WHERE day < ?", (oldest_day,))
    connection.executemany("DELETE FROM usage_counted WHERE pod = ? AND session = ?", changes.over)
    _put(connection, "usage_counted", 4, ((*key, *amounts(it)) for key, it in changes.counted.items()))
    _put(connection, "usage_days", 5, ((*line, *amounts(it)) for line, it in changes.lines.items()))


def _put(connection: sqlite3.Connection, table: str, keys: int, rows: Iterable[Sequence[str | int]]) -> None:
    marks = ", ".join("?" * (keys + len(NAMES)))
    connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)  # noqa: S608 (names of ours)
