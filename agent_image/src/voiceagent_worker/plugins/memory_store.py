"""Where remarks of callers are kept: Redis, or an SQLite file."""

import asyncio
import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from voiceagent_worker.errors import ConfigurationError

ENV_REDIS_URL: Final = "REDIS_URL"
ENV_PATH: Final = "VOICEAGENT_MEMORY_FILE"
TIMEOUT_SECONDS: Final = 2.0
PREFIX: Final = "voiceagent:memory:"
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS memory (key TEXT PRIMARY KEY, remarks TEXT NOT NULL, expires REAL NOT NULL)"
)


class Remark:
    """Something that one side said, and when (seconds since 1970)."""

    __slots__ = ("at", "direction", "text")

    def __init__(self, direction: str, text: str, at: float) -> None:
        self.direction = direction
        self.text = text
        self.at = at

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remark) and self._all == other._all

    def __hash__(self) -> int:
        return hash(self._all)

    def __repr__(self) -> str:
        return f"Remark({self.direction}, {len(self.text)} characters)"

    @property
    def _all(self) -> tuple[str, str, float]:
        return self.direction, self.text, self.at


class MemoryStore(Protocol):
    """Remarks by key. All may raise when the store is out of reach."""

    async def load(self, key: str, now: float) -> list[Remark]:
        """What is kept, oldest first."""

    async def save(self, key: str, remarks: Sequence[Remark], retention_seconds: float, now: float) -> None:
        """Keep this in place of what was kept, for so long."""

    async def erase(self, key: str) -> bool:
        """Forget; whether anything was kept."""

    async def close(self) -> None:
        """Let go of the store."""


def key_of(agent: str, caller: str) -> str:
    """The name under which a caller is kept: a hash, since an identity may be a phone number."""
    return hashlib.sha256(f"{agent}\0{caller}".encode()).hexdigest()


def open_store(environment: Mapping[str, str], redis_url_file: str | None, path: str | None) -> MemoryStore:
    """The store that the config and the environment name. Raises ConfigurationError."""
    url = environment.get(ENV_REDIS_URL, "")
    if redis_url_file is not None:
        try:
            url = Path(redis_url_file).resolve().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"redisURLFile {redis_url_file} cannot be read") from error
    if url:
        return RedisStore(url)
    return SqliteStore(Path(path or environment.get(ENV_PATH) or Path(tempfile.gettempdir()) / "voiceagent-memory.db"))


class RedisStore:
    """Redis, which forgets by itself when the retention is over."""

    def __init__(self, url: str) -> None:
        # only where Redis is used: the import takes a while
        from redis.asyncio import Redis

        try:
            self._redis: Any = Redis.from_url(
                url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, decode_responses=True
            )
        except ValueError as error:
            # its text would quote the address, and with it a password
            raise ConfigurationError("the address of Redis is not like redis://HOST:PORT/0") from error

    async def load(self, key: str, now: float) -> list[Remark]:
        """What is kept, oldest first."""
        return decode(await self._redis.get(PREFIX + key))

    async def save(self, key: str, remarks: Sequence[Remark], retention_seconds: float, now: float) -> None:
        """Keep this in place of what was kept, for so long."""
        await self._redis.set(PREFIX + key, encode(remarks), px=max(1, int(retention_seconds * 1000)))

    async def erase(self, key: str) -> bool:
        """Forget; whether anything was kept."""
        return bool(await self._redis.delete(PREFIX + key))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._redis.aclose()


class SqliteStore:
    """A file of this machine. Calls of several processes may use it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self, key: str, now: float) -> list[Remark]:
        """What is kept, oldest first."""
        return await asyncio.to_thread(self._load, key, now)

    async def save(self, key: str, remarks: Sequence[Remark], retention_seconds: float, now: float) -> None:
        """Keep this in place of what was kept, for so long; what is over goes at the same time."""
        await asyncio.to_thread(self._save, key, encode(remarks), now + retention_seconds, now)

    async def erase(self, key: str) -> bool:
        """Forget; whether anything was kept."""
        return await asyncio.to_thread(self._erase, key)

    async def close(self) -> None:
        """Nothing is held open."""

    def _load(self, key: str, now: float) -> list[Remark]:
        with self._connected() as connection:
            row = connection.execute("SELECT remarks FROM memory WHERE key = ? AND expires > ?", (key, now)).fetchone()
        return decode(row[0] if row else None)

    def _save(self, key: str, text: str, expires: float, now: float) -> None:
        with self._connected() as connection:
            connection.execute("DELETE FROM memory WHERE expires <= ?", (now,))
            connection.execute("INSERT OR REPLACE INTO memory VALUES (?, ?, ?)", (key, text, expires))

    def _erase(self, key: str) -> bool:
        with self._connected() as connection:
            return connection.execute("DELETE FROM memory WHERE key = ?", (key,)).rowcount > 0

    def _connected(self) -> "_Connection":
        return _Connection(self._path)


class _Connection:
    """A connection for one transaction: sqlite3's own context manager leaves it open."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> sqlite3.Connection:
        # deleted rows are overwritten: an erased caller is not to be found in the file
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute(_SCHEMA)
        return self._connection

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._connection.commit()
        self._connection.close()


def encode(remarks: Sequence[Remark]) -> str:
    """Remarks as text."""
    return json.dumps([[remark.direction, remark.text, round(remark.at)] for remark in remarks], ensure_ascii=False)


def decode(text: str | None) -> list[Remark]:
    """The remarks of a text; none where it is no such text."""
    try:
        rows = json.loads(text) if text else []
        return [Remark(str(direction), str(words), float(at)) for direction, words, at in rows]
    except (ValueError, TypeError):
        return []
