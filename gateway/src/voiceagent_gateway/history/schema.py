"""The tables of the history. Moments are milliseconds since 1970."""

from typing import Final

SCHEMA: Final = (
    """
    CREATE TABLE IF NOT EXISTS series (
        id INTEGER PRIMARY KEY,
        namespace TEXT NOT NULL,
        agent TEXT NOT NULL,
        test INTEGER NOT NULL,
        UNIQUE (namespace, agent, test)
    )
    """,
    # A session of which nothing more is to come keeps its row, so that it is not counted again.
    """
    CREATE TABLE IF NOT EXISTS sessions (
        pod_uid TEXT NOT NULL,
        id TEXT NOT NULL,
        series INTEGER NOT NULL,
        pod TEXT NOT NULL,
        revision TEXT NOT NULL,
        started INTEGER NOT NULL,
        seen INTEGER NOT NULL,
        ended INTEGER,
        outcome TEXT NOT NULL,
        turns INTEGER NOT NULL,
        last_turn INTEGER NOT NULL,
        record TEXT,
        PRIMARY KEY (pod_uid, id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS sessions_of_agent ON sessions (series, ended)",
    "CREATE INDEX IF NOT EXISTS sessions_with_details ON sessions (ended) WHERE record IS NOT NULL",
    """
    CREATE TABLE IF NOT EXISTS rollups (
        resolution INTEGER NOT NULL,
        series INTEGER NOT NULL,
        start INTEGER NOT NULL,
        active_max INTEGER NOT NULL,
        active_milliseconds INTEGER NOT NULL,
        started INTEGER NOT NULL,
        ended TEXT NOT NULL,
        turns INTEGER NOT NULL,
        latencies BLOB NOT NULL,
        PRIMARY KEY (resolution, series, start)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
)
