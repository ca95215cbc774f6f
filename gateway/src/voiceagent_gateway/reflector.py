"""One kind of object, kept in memory by list and watch: what is read from it costs no request.

A lost watch is taken up where it ended; where the API server has forgotten that place (410), and every
RESYNC_SECONDS, everything is listed anew. What was last known is served all the while.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, Generic, Protocol, TypeVar

from voiceagent_gateway.kube import KubeError

PAGE_SIZE: Final = 500
RESYNC_SECONDS: Final = 1800.0
WATCH_MIN_SECONDS: Final = 1.0
BACKOFF_SECONDS: Final = 0.5
BACKOFF_MAX_SECONDS: Final = 30.0
GONE: Final = 410
log = logging.getLogger(__name__)

T = TypeVar("T")


class Source(Protocol):
    """An API server, as far as listing and watching go. Both raise KubeError."""

    async def get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]: ...

    def watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]: ...


class _Expired(Exception):
    """The API server no longer has the place where the watch was to go on."""


class Reflector(Generic[T]):
    """The objects at one API path, as `parse` makes them; objects of which it makes None are left out.

    With `name` it is the one object of that name, for which the right to that one object is enough. `changed` is called
    after each change, and after each listing.
    """

    def __init__(
        self,
        kube: Source,
        path: str,
        parse: Callable[[Mapping[str, Any]], T | None],
        selector: str = "",
        name: str = "",
        changed: Callable[[], None] = lambda: None,
        backoff_seconds: float = BACKOFF_SECONDS,
    ) -> None:
        self._kube = kube
        self._path = path
        self._parse = parse
        self._query = {"labelSelector": selector} if selector else {}
        if name:
            self._query["fieldSelector"] = f"metadata.name={name}"
        self._changed = changed
        self._backoff_seconds = backoff_seconds
        self._items: dict[str, T] = {}
        self._synced = False
        self._version = ""
        self._failures = 0

    @property
    def path(self) -> str:
        """The API path it keeps."""
        return self._path

    @property
    def synced(self) -> bool:
        """Whether everything has been listed at least once."""
        return self._synced

    @property
    def items(self) -> list[T]:
        """What there is, as last known."""
        return list(self._items.values())

    async def run(self) -> None:
        """Keep it until cancelled."""
        listed_at = 0.0
        while True:
            try:
                if not self._version or time.monotonic() - listed_at > RESYNC_SECONDS:
                    await self._list()
                    listed_at = time.monotonic()
                started = time.monotonic()
                await self._watch()
                if time.monotonic() - started < WATCH_MIN_SECONDS:
                    await self._back_off("the watch ended as soon as it began", level=logging.DEBUG)
            except _Expired:
                self._version = ""
                await self._back_off("the API server asks for a new listing", level=logging.INFO)
            except KubeError as error:
                if error.status == GONE:
                    self._version = ""
                await self._back_off(str(error))

    async def _list(self) -> None:
        items: dict[str, T] = {}
        query = {**self._query, "limit": str(PAGE_SIZE)}
        while True:
            page = await self._kube.get(self._path, query)
            for item in page.get("items") or []:
                self._put(items, item)
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                break
            query["continue"] = metadata["continue"]
        self._items = items
        self._changed()
        self._recovered(f"listed {len(items)} objects")
        self._synced = True
        self._version = str(metadata.get("resourceVersion", ""))

    async def _watch(self) -> None:
        query = {**self._query, "resourceVersion": self._version}
        async for event in self._kube.watch(self._path, query):
            item = event.get("object") or {}
            kind = event.get("type")
            if kind == "ERROR":
                if item.get("code") == GONE:
                    raise _Expired
                raise KubeError(int(item.get("code", 0)), str(item.get("message", "the watch ended in an error")))
            if kind == "DELETED":
                self._items.pop(_key(item), None)
                self._changed()
            elif kind in ("ADDED", "MODIFIED"):
                self._put(self._items, item)
                self._changed()
            self._version = str(item["metadata"]["resourceVersion"])
            self._recovered("watching again")

    def _put(self, items: dict[str, T], item: Mapping[str, Any]) -> None:
        parsed = self._parse(item)
        if parsed is None:
            items.pop(_key(item), None)
        else:
            items[_key(item)] = parsed

    def _recovered(self, message: str) -> None:
        if self._failures or not self._synced:
            log.info(message, extra={"path": self._path})
        self._failures = 0

    async def _back_off(self, message: str, level: int = logging.WARNING) -> None:
        limit = min(self._backoff_seconds * 2**self._failures, BACKOFF_MAX_SECONDS)
        # Half of it at random, so that many gateways do not come back in step after the API server's restart.
        delay = limit * random.uniform(0.5, 1.0)  # noqa: S311 (no secret is made of it)
        self._failures = min(self._failures + 1, 16)
        log.log(level, message, extra={"path": self._path, "retry_seconds": round(delay, 2)})
        await asyncio.sleep(delay)


def _key(item: Mapping[str, Any]) -> str:
    metadata = item["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"
