"""Which watches have begun, and which have begun anew: those may have missed something, deletions above all."""

import asyncio
from collections.abc import Iterable

from voiceagent_operator.kinds import WATCHED, Kind


class Beginnings:
    """Told by the connection of the watches, asked by whoever lists what they may have missed."""

    def __init__(self, namespaces: tuple[str, ...]) -> None:
        self._watched = {
            kind.path(namespace): (kind, namespace) for kind in WATCHED for namespace in namespaces or (None,)
        }
        self._begun: set[str] = set()
        self._anew: set[Kind] = set()
        self._changed = asyncio.Event()

    def is_watched(self, path: str) -> bool:
        """Whether objects of a kind that is watched are listed at a path."""
        return path in self._watched

    def watched(self, path: str) -> tuple[Kind, str | None]:
        """Whose objects are watched at a path, and of which namespace where not of all."""
        return self._watched[path]

    def missing(self) -> list[str]:
        """The paths of watches that have never begun."""
        return [path for path in self._watched if path not in self._begun]

    def note(self, path: str) -> None:
        """A watch on that path goes on from now."""
        self._begun.add(path)
        self._anew.add(self._watched[path][0])
        self._changed.set()

    def note_again(self, kinds: Iterable[Kind]) -> None:
        """What those watches may have missed could not be found out."""
        self._anew.update(kinds)
        self._changed.set()

    async def all(self) -> None:
        """Wait until every watch has begun, and forget which did."""
        while self.missing():
            await self._changed.wait()
            self._changed.clear()
        self._anew.clear()

    async def anew(self, settle_seconds: float) -> frozenset[Kind]:
        """Wait until watches begin anew, and a little longer, since they mostly do so together; which kinds' did."""
        while not self._anew:
            await self._changed.wait()
            self._changed.clear()
        await asyncio.sleep(settle_seconds)
        kinds = frozenset(self._anew)
        self._anew.clear()
        return kinds
