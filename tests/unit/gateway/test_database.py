"""The file that outlives the gateway."""

import sqlite3
from pathlib import Path

import pytest
from voiceagent_gateway.database import FILE_NAME, DatabaseError, open_database

SCHEMA = ("CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY)",)
MEGABYTE = 1024 * 1024


def add(*words: str):
    def work(connection: sqlite3.Connection) -> None:
        connection.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])

    return work


def words(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT word FROM words ORDER BY word")]


async def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    async with open_database(tmp_path, SCHEMA, MEGABYTE) as database:
        await database.run(add("one", "two"))
    async with open_database(tmp_path, SCHEMA, MEGABYTE) as database:
        assert await database.run(words) == ["one", "two"]


async def test_work_that_fails_leaves_nothing(tmp_path: Path) -> None:
    async with open_database(tmp_path, SCHEMA, MEGABYTE) as database:
        await database.run(add("one"))
        with pytest.raises(DatabaseError, match="UNIQUE"):
            await database.run(add("two", "one"))
        assert await database.run(words) == ["one"]


async def test_without_a_folder_it_is_kept_in_memory() -> None:
    async with open_database(None, SCHEMA, MEGABYTE) as database:
        await database.run(add("one"))
        assert await database.run(words) == ["one"]


async def test_a_file_that_is_no_database_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE_NAME).write_text("something else entirely, " * 100)
    async with open_database(tmp_path, SCHEMA, MEGABYTE) as database:
        assert await database.run(words) == []
    assert (tmp_path / "gateway.unreadable").read_text().startswith("something else")
    assert "begins anew" in caplog.text


async def test_a_folder_that_is_not_there_is_told_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="--data-dir"):
        async with open_database(tmp_path / "missing", SCHEMA, MEGABYTE):
            pass


async def test_it_never_grows_beyond_its_bound(tmp_path: Path) -> None:
    async with open_database(tmp_path, SCHEMA, MEGABYTE) as database:
        with pytest.raises(DatabaseError, match="full"):
            await database.run(add(*(f"{number} " + "x" * 1000 for number in range(2000))))
        await database.run(add("one"))
        assert await database.run(words) == ["one"]
    assert (tmp_path / FILE_NAME).stat().st_size <= MEGABYTE
