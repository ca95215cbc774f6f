"""A file of another gateway: an older one's is brought up to date, a newer one's is left alone."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from voiceagent_gateway.database import FILE_NAME, DatabaseError, open_database
from voiceagent_gateway.tables import SCHEMA, STEPS

MEGABYTE = 1024 * 1024
OLD = ("CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY)",)
NEW = (
    "CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY, language TEXT NOT NULL DEFAULT 'en', length INTEGER)",
    "CREATE TABLE IF NOT EXISTS languages (language TEXT PRIMARY KEY)",
)
TO_NEW = (
    ("ALTER TABLE words ADD COLUMN language TEXT NOT NULL DEFAULT 'en'",),
    ("ALTER TABLE words ADD COLUMN length INTEGER", "UPDATE words SET length = length(word)"),
)


def at(folder: Path, *statements: str) -> list[Any]:
    """What the last statement finds in the file."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def version(folder: Path) -> int:
    return int(at(folder, "PRAGMA user_version")[0][0])


async def opened(folder: Path, *tables: Any) -> None:
    schema, steps = tables
    async with open_database(folder, schema, MEGABYTE, steps):
        pass


async def test_a_file_from_before_versions_is_brought_up_step_by_step_and_keeps_what_it_has(tmp_path: Path) -> None:
    at(tmp_path, *OLD, "INSERT INTO words VALUES ('hello')")
    assert version(tmp_path) == 0

    await opened(tmp_path, NEW, TO_NEW)

    assert at(tmp_path, "SELECT word, language, length FROM words") == [("hello", "en", 5)]
    assert at(tmp_path, "SELECT * FROM languages") == []
    assert version(tmp_path) == 3


async def test_only_the_steps_that_a_file_lacks_are_made(tmp_path: Path) -> None:
    await opened(tmp_path, OLD, ())
    assert version(tmp_path) == 1
    await opened(tmp_path, OLD, TO_NEW[:1])
    assert version(tmp_path) == 2

    for _ in range(2):
        await opened(tmp_path, NEW, TO_NEW)

    assert at(tmp_path, "SELECT name FROM pragma_table_info('words')") == [("word",), ("language",), ("length",)]
    assert version(tmp_path) == 3


async def test_a_new_file_begins_with_the_newest_tables(tmp_path: Path) -> None:
    await opened(tmp_path, NEW, TO_NEW)

    assert at(tmp_path, "SELECT name FROM pragma_table_info('words')") == [("word",), ("language",), ("length",)]
    assert version(tmp_path) == 3


async def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    at(tmp_path, *OLD, "INSERT INTO words VALUES ('hello')")

    with pytest.raises(DatabaseError, match="no such table: nowhere"):
        await opened(tmp_path, NEW, (TO_NEW[0], ("DROP TABLE nowhere",)))

    assert at(tmp_path, "SELECT * FROM words") == [("hello",)]
    assert version(tmp_path) == 0


async def test_a_newer_file_is_refused_in_one_sentence_and_left_as_it_is(tmp_path: Path) -> None:
    await opened(tmp_path, NEW, TO_NEW)
    at(tmp_path, "INSERT INTO words (word) VALUES ('hello')")

    with pytest.raises(DatabaseError) as refused:
        await opened(tmp_path, OLD, ())

    assert str(refused.value) == (
        f"The history in {tmp_path / FILE_NAME} was written by a newer gateway (its tables are of version 3, and this "
        "gateway knows versions up to 1): run that one, or give --data-dir another folder."
    )
    assert at(tmp_path, "SELECT word FROM words") == [("hello",)]
    assert version(tmp_path) == 3
    assert not (tmp_path / "gateway.unreadable").exists()


async def test_the_gateways_own_tables_open_again_and_from_before_versions(tmp_path: Path) -> None:
    await opened(tmp_path, SCHEMA, STEPS)
    made = at(tmp_path, "SELECT name, sql FROM sqlite_master ORDER BY name")
    at(tmp_path, "PRAGMA user_version = 0")

    await opened(tmp_path, SCHEMA, STEPS)

    assert at(tmp_path, "SELECT name, sql FROM sqlite_master ORDER BY name") == made
    assert version(tmp_path) == 1 + len(STEPS)
