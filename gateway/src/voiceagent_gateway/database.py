"""What the gateway keeps across restarts: one SQLite file, used by one thread.

The event loop never waits for the disk: work is handed to the thread, in its order, each as one transaction.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from voiceagent_gateway.table_versions import NewerTables, Step, bring_up

FILE_NAME: Final = "gateway.sqlite"
WORK_SECONDS: Final = 10.0
"""How long work may take, its wait for a turn included."""
MOST_WAITING: Final = 64
PAGE_BYTES: Final = 4096
Result = TypeVar("Result")
log = logging.getLogger(__name__)


class DatabaseError(Exception):
    """Something could not be kept or looked up; the message says why, and what to do where that is known."""


class Database:
    """Runs work on the file, one after the other."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        """For `open_database`."""
        self._connection = connection
        self._thread = thread
        self._waiting = 0

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """What `work` makes of the connection, in a transaction that holds wholly or not at all.

        Raises DatabaseError: the disk is full or gone, the work failed in SQLite, or too much waits already.
        """
        return await self._hand_over(lambda: self._transact(work))

    async def truncate_log(self) -> None:
        """Empty the write-ahead log, so that nothing is left in it of what was deleted. Raises DatabaseError."""

        await self._hand_over(lambda: self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())

    async def _hand_over(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= MOST_WAITING:
            raise DatabaseError("the disk of the gateway's history is too slow: too much waits for it already")
        self._waiting += 1
        try:
            async with asyncio.timeout(WORK_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except TimeoutError as error:
            raise DatabaseError(f"the disk of the gateway's history took more than {WORK_SECONDS:.0f} s") from error
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(f"the gateway's history cannot be used: {error}") from error
        finally:
            self._waiting -= 1

    def _transact(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._connection)
        except BaseException:
            if self._connection.in_transaction:  # a full disk has SQLite roll back by itself
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result


@asynccontextmanager
async def open_database(
    folder: Path | None, schema: Sequence[str], most_bytes: int, steps: Sequence[Step] = ()
) -> AsyncIterator[Database]:
    """The file of a folder, made where there is none; in memory where no folder is given.

    `schema` and `steps` are those of `bring_up`. A file that SQLite cannot read is put aside, and said so: no history
    is a lesser harm than no gateway. Raises DatabaseError where the folder cannot be written, or where a newer gateway
    wrote the file.
    """
    thread = ThreadPoolExecutor(1, "database")
    loop = asyncio.get_running_loop()
    try:
        connection = await loop.run_in_executor(thread, _open, folder, _Tables(schema, steps, most_bytes))
        try:
            yield Database(connection, thread)
        finally:
            await loop.run_in_executor(thread, connection.close)
    finally:
        thread.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Tables:
    schema: Sequence[str]
    steps: Sequence[Step]
    most_bytes: int


def _open(folder: Path | None, tables: _Tables) -> sqlite3.Connection:
    if folder is None:
        return _connect(":memory:", tables)
    file = folder / FILE_NAME
    try:
        try:
            return _connect(str(file), tables)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            aside = _put_aside(file)
            log.error("the history cannot be read and begins anew", extra={"kept": str(aside), "error": str(error)})
            return _connect(str(file), tables)
    except NewerTables as error:
        raise DatabaseError(
            f"The history in {file} was written by a newer gateway ({error}): run that one, or give --data-dir "
            "another folder."
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(
            f"The gateway cannot keep its history in {folder}: {error}. Give --data-dir a folder that it may write."
        ) from error


def _connect(name: str, tables: _Tables) -> sqlite3.Connection:
    # Without the module's own transactions: each work is one. The thread that opens it is the one that uses it.
    connection = sqlite3.connect(name, isolation_level=None, timeout=WORK_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # With WAL, a crash of the machine may lose the last transactions, and never the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA max_page_count = {max(1, tables.most_bytes // PAGE_BYTES)}")
        bring_up(connection, tables.schema, tables.steps)
    except BaseException:
        connection.close()
        raise
    return connection


def _put_aside(file: Path) -> Path:
    aside = file.with_suffix(".unreadable")
    file.replace(aside)
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    return aside
