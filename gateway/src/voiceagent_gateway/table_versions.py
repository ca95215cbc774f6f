"""Brings the tables of an older file to what this gateway knows; a newer file is left as it is.

A file says in SQLite's `user_version` of which version its tables are. Version 1 is that of the first tables, also of
files from before versions were written.
"""

import logging
import sqlite3
from collections.abc import Sequence
from typing import Final

FIRST: Final = 1
Step = Sequence[str]
"""The statements that lead from one version to the next."""
log = logging.getLogger(__name__)


class NewerTables(Exception):
    """A newer gateway wrote the file: to use it could lose what that one kept."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(f"its tables are of version {found}, and this gateway knows versions up to {known}")


def bring_up(connection: sqlite3.Connection, schema: Sequence[str], steps: Sequence[Step]) -> None:
    """Make what is missing of the newest tables, as one transaction: wholly or not at all. Raises NewerTables.

    `schema` makes the newest tables, and may run again (CREATE ... IF NOT EXISTS); `steps[0]` leads from version 1 to
    version 2.
    """
    newest = FIRST + len(steps)
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _version(connection, newest)
        if found > newest:
            raise NewerTables(found, newest)
        for step in steps[found - FIRST :]:
            for statement in step:
                connection.execute(statement)
        for statement in schema:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {newest}")
    except BaseException:
        if connection.in_transaction:  # a full disk has SQLite roll back by itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    if found < newest:
        log.info("the tables of an older gateway were brought up to date", extra={"from": found, "to": newest})


def _version(connection: sqlite3.Connection, newest: int) -> int:
    written = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if written:
        return written
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    return newest if empty else FIRST
