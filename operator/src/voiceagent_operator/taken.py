"""Which names others have, asked for many new agents at once.

Of most kinds the operator watches its own objects only, so a name that nobody seems to have may be another's. One
listing of a namespace's other objects, without their contents, answers that for every agent which had been written
when it was made: versions tell. Agents that come after it share the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

from voiceagent_operator.client import Page
from voiceagent_operator.kinds import Kind
from voiceagent_operator.objects import Key, Object, Owner, owner_of, place
from voiceagent_operator.recent import Recent

APART_SECONDS: Final = 0.25
"""Between two listings of a kind in a namespace, so that agents made one after the other do not need one each."""
KEPT_SECONDS: Final = 30.0
LISTINGS_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a name: a VoiceAgent by its owner reference, or somebody else."""

    owner: Owner | None


@dataclass(frozen=True, slots=True)
class _Listing:
    began: float
    version: int
    holders: Mapping[str, Holder] | None
    """By name; None where there are too many to list."""


class TakenNames:
    """Looks for objects that are not watched, by their names."""

    def __init__(
        self,
        list_others: Callable[[Kind, str], Awaitable[Page]],
        find: Callable[[Kind, str, str], Awaitable[Object | None]],
        clock: Callable[[], float],
    ) -> None:
        """`list_others` lists a namespace's objects that are not watched, of which it may leave out some where they
        are many; then `find` is asked for each name."""
        self._list_others = list_others
        self._find = find
        self._clock = clock
        self._listings: Recent[tuple[Kind, str], _Listing] = Recent(LISTINGS_KEPT)
        self._locks: WeakValueDictionary[tuple[Kind, str], asyncio.Lock] = WeakValueDictionary()

    async def holder(self, kind: Kind, where: Key, since_version: int) -> Holder | None:
        """Who had the name at that version, or later; None where nobody had. Raises ApiError."""
        listing = await self._listing(kind, where, since_version)
        if listing.holders is None:
            found = await self._find(kind, *where)
            return None if found is None else Holder(owner_of(found))
        return listing.holders.get(where.name)

    async def _listing(self, kind: Kind, where: Key, since_version: int) -> _Listing:
        here, asked = (kind, where.namespace), self._clock()
        lock = self._locks.setdefault(here, asyncio.Lock())
        async with lock:
            listing = self._listings.get(here)
            if listing is not None:
                if listing.began > asked or self._still_tells(listing, where.name, since_version):
                    return listing
                await asyncio.sleep(max(0.0, listing.began + APART_SECONDS - self._clock()))
            listing = await self._list(kind, where.namespace)
            self._listings.put(here, listing)
            return listing

    def _still_tells(self, listing: _Listing, name: str, since_version: int) -> bool:
        """Whether an earlier listing will do. A name that was taken may be free by now."""
        if self._clock() - listing.began > KEPT_SECONDS:
            return False
        return listing.holders is None or (listing.version >= since_version and name not in listing.holders)

    async def _list(self, kind: Kind, namespace: str) -> _Listing:
        began = self._clock()
        page = await self._list_others(kind, namespace)
        holders = {place(body).name: Holder(owner_of(body)) for body in page.items} if page.complete else None
        return _Listing(began, page.version, holders)
