"""Transcripts in SQLite. What is deleted is overwritten in the file, and not only unlinked.

A call that was erased leaves a row without a word, so that what its pod still holds is not taken in again. Moments
are milliseconds since 1970.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from voiceagent_api.transcripts import TranscriptLine

from voiceagent_gateway.history.moments import milliseconds, moment
from voiceagent_gateway.transcripts.kept import Agent, Said, TranscribedCall

HOUR: Final = 3_600_000
ERASED_KEPT: Final = 48 * HOUR
"""Longer than the longest call, and the hour for which its pod holds what was said."""
PIECE: Final = 500
"""Lines that go at a time where there is too much."""
OVERHEAD_BYTES: Final = 100
"""Of a line beside its text."""
SCHEMA: Final = (
    """
    CREATE TABLE IF NOT EXISTS transcripts (
        pod_uid TEXT NOT NULL,
        session TEXT NOT NULL,
        namespace TEXT NOT NULL,
        agent TEXT NOT NULL,
        pod TEXT NOT NULL,
        room TEXT NOT NULL,
        bytes INTEGER NOT NULL DEFAULT 0,
        erased INTEGER,
        told INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (pod_uid, session)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS transcripts_of_session ON transcripts (session)",
    "CREATE INDEX IF NOT EXISTS transcripts_untold ON transcripts (erased) WHERE erased NOT NULL AND told = 0",
    """
    CREATE TABLE IF NOT EXISTS transcript_erasers (
        pod_uid TEXT NOT NULL,
        session TEXT NOT NULL,
        caller TEXT NOT NULL,
        PRIMARY KEY (pod_uid, session, caller)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS transcript_lines (
        pod_uid TEXT NOT NULL,
        session TEXT NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        who TEXT NOT NULL,
        language TEXT NOT NULL,
        text TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (pod_uid, session, number)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS transcript_lines_by_time ON transcript_lines (at)",
    """
    CREATE TRIGGER IF NOT EXISTS transcript_line_in AFTER INSERT ON transcript_lines BEGIN
        UPDATE transcripts SET bytes = bytes + new.bytes WHERE pod_uid = new.pod_uid AND session = new.session;
    END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS transcript_line_out AFTER DELETE ON transcript_lines BEGIN
        UPDATE transcripts SET bytes = bytes - old.bytes WHERE pod_uid = old.pod_uid AND session = old.session;
    END
    """,
)
_CALL: Final = "SELECT pod_uid, session, namespace, agent, pod, room FROM transcripts"
_OF_CALL: Final = "WHERE pod_uid = ? AND session = ?"


@dataclass(frozen=True, slots=True)
class Fetched:
    """Lines that a pod gave."""

    pod_uid: str
    namespace: str
    agent: str
    pod: str
    lines: Sequence[TranscriptLine]


def write(connection: sqlite3.Connection, fetched: Fetched, now: int) -> None:
    """Keep lines; those that are known, and those of calls that were erased, change nothing."""
    _overwrite_deleted(connection)
    for line in fetched.lines:
        key = (fetched.pod_uid, line.session)
        if connection.execute(f"SELECT 1 FROM transcripts {_OF_CALL} AND erased NOT NULL", key).fetchone():  # noqa: S608
            continue
        connection.execute(
            "INSERT OR IGNORE INTO transcripts (pod_uid, session, namespace, agent, pod, room) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (*key, fetched.namespace, fetched.agent, fetched.pod, line.room),
        )
        # A pod's clock that is ahead must not have it kept for longer.
        at = min(milliseconds(line.at), now)
        size = len(line.text.encode()) + OVERHEAD_BYTES
        connection.execute(
            "INSERT OR IGNORE INTO transcript_lines VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*key, line.number, at, line.who, line.language, line.text, size),
        )


def prune(
    connection: sqlite3.Connection,
    hours: Mapping[Agent, int],
    now: int,
    most_bytes: int,
    unreadable: Collection[Agent] = (),
) -> bool:
    """Let go of what is older than its agent says, of all of agents not among `hours`, and of the oldest where there
    is too much. Whether anything went. What `unreadable` agents say is not known: all of theirs stays.
    """
    _overwrite_deleted(connection)
    before = connection.total_changes
    agents = connection.execute("SELECT DISTINCT namespace, agent FROM transcripts WHERE bytes > 0").fetchall()
    for namespace, agent in agents:
        if (namespace, agent) in unreadable:
            continue
        kept = hours.get((namespace, agent))
        oldest = now + 1 if kept is None else now - kept * HOUR
        connection.execute(
            "DELETE FROM transcript_lines WHERE at < ? AND (pod_uid, session) IN "
            "(SELECT pod_uid, session FROM transcripts WHERE namespace = ? AND agent = ?)",
            (oldest, namespace, agent),
        )
    while _used(connection) > most_bytes:
        connection.execute(
            "DELETE FROM transcript_lines WHERE (pod_uid, session, number) IN "
            "(SELECT pod_uid, session, number FROM transcript_lines ORDER BY at LIMIT ?)",
            (PIECE,),
        )
    connection.execute("DELETE FROM transcripts WHERE bytes <= 0 AND erased IS NULL")
    connection.execute("DELETE FROM transcripts WHERE erased < ?", (now - ERASED_KEPT,))
    connection.execute(
        "DELETE FROM transcript_erasers WHERE NOT EXISTS (SELECT 1 FROM transcripts "
        "WHERE transcripts.pod_uid = transcript_erasers.pod_uid AND transcripts.session = transcript_erasers.session)"
    )
    return connection.total_changes > before


def find(connection: sqlite3.Connection, session: str) -> list[TranscribedCall]:
    """The calls with this id of which anything is kept."""
    rows = connection.execute(f"{_CALL} WHERE session = ? AND bytes > 0 ORDER BY pod_uid", (session,))
    return [TranscribedCall(*row) for row in rows]


def find_erased(connection: sqlite3.Connection, session: str) -> list[TranscribedCall]:
    """The calls with this id that were erased."""
    rows = connection.execute(f"{_CALL} WHERE session = ? AND erased NOT NULL ORDER BY pod_uid", (session,)).fetchall()
    erasers = f"SELECT caller FROM transcript_erasers {_OF_CALL}"  # noqa: S608
    return [
        replace(TranscribedCall(*row), erased_by=frozenset(name for (name,) in connection.execute(erasers, row[:2])))
        for row in rows
    ]


def lines_of(connection: sqlite3.Connection, call: TranscribedCall, since: int, after: int = 0) -> Said | None:
    """What is kept of it that was said since then, in order: lines with a greater number than `after`."""
    key = (call.pod_uid, call.session)
    kept, last = connection.execute(
        f"SELECT count(*), max(number) FROM transcript_lines {_OF_CALL} AND at >= ?",  # noqa: S608
        (*key, since),
    ).fetchone()
    if not kept:
        return None
    asked = f"{_OF_CALL} AND number > ? AND at >= ? ORDER BY number"
    rows = connection.execute(
        f"SELECT number, at, who, language, text FROM transcript_lines {asked}",  # noqa: S608
        (*key, after, since),
    )
    lines = [
        TranscriptLine(
            position=number,
            session=call.session,
            room=call.room,
            number=number,
            at=moment(at),
            who=who,
            language=language,
            text=text,
        )
        for number, at, who, language, text in rows
    ]
    return Said(lines, missing=last - kept)


def erase(connection: sqlite3.Connection, call: TranscribedCall, now: int, by: str) -> None:
    """Let go of a call's lines, and take in no more."""
    _overwrite_deleted(connection)
    key = (call.pod_uid, call.session)
    connection.execute(f"DELETE FROM transcript_lines {_OF_CALL}", key)  # noqa: S608
    # Also where nothing of it has come yet: it is not to come any more.
    connection.execute(
        "INSERT INTO transcripts (pod_uid, session, namespace, agent, pod, room, erased) VALUES (?, ?, ?, ?, ?, '', ?) "
        "ON CONFLICT (pod_uid, session) DO UPDATE SET erased = excluded.erased, room = ''",
        (*key, call.namespace, call.agent, call.pod, now),
    )
    connection.execute("INSERT OR IGNORE INTO transcript_erasers VALUES (?, ?, ?)", (*key, by))


def remember_erased(connection: sqlite3.Connection, call: TranscribedCall, at: int) -> None:
    """A call was erased then. Changes nothing where that is known."""
    known = connection.execute(
        f"SELECT 1 FROM transcripts {_OF_CALL} AND erased NOT NULL",  # noqa: S608
        (call.pod_uid, call.session),
    )
    if known.fetchone() is None:
        erase(connection, call, at, by="")


def untold(connection: sqlite3.Connection) -> list[TranscribedCall]:
    """Erased calls whose pods do not know it yet."""
    return [TranscribedCall(*row) for row in connection.execute(f"{_CALL} WHERE erased NOT NULL AND told = 0")]


def told(connection: sqlite3.Connection, calls: Iterable[TranscribedCall]) -> None:
    """Their pods know it, or are gone."""
    keys = [(call.pod_uid, call.session) for call in calls]
    connection.executemany(f"UPDATE transcripts SET told = 1 {_OF_CALL}", keys)  # noqa: S608


def _used(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(sum(bytes), 0) FROM transcripts").fetchone()[0])


def _overwrite_deleted(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA secure_delete = ON").fetchall()
