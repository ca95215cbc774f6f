"""One kind's objects as last seen, by name and by the VoiceAgent that they belong to.

Versions are compared, so that a late event never undoes what a newer one, or an answer to a write, has told.
"""

import sys
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from voiceagent_operator.objects import Key, Object, place, uid, version

View = TypeVar("View")
_REMEMBERED_DELETIONS: Final = 10_000


@dataclass(slots=True)
class _Entry(Generic[View]):
    uid: str
    version: int
    view: View
    agent: Key | None


class Table(Generic[View]):
    """One kind's objects by namespace and name, and by the VoiceAgent that they belong to."""

    def __init__(
        self, view: Callable[[Object], View], agent_of: Callable[[Object], Key | None], clock: Callable[[], float]
    ) -> None:
        self._view = view
        self._agent_of = agent_of
        self._entries: dict[Key, _Entry[View]] = {}
        self._of_agent: dict[Key, set[Key]] = defaultdict(set)
        self._deleted: OrderedDict[str, int] = OrderedDict()
        """Until which version an object was gone: it may be seen again, with a label that it had lost."""
        self._clock = clock
        self._unconfirmed: dict[str, tuple[int, float]] = {}

    def get(self, where: Key) -> View | None:
        """The object of that name."""
        entry = self._entries.get(where)
        return entry.view if entry else None

    def of_agent(self, agent: Key) -> list[View]:
        """All objects that belong to a VoiceAgent, by name."""
        return [self._entries[where].view for where in sorted(self._of_agent.get(agent, ()))]

    def places(self) -> list[Key]:
        """Where all objects are."""
        return list(self._entries)

    @property
    def oldest_unconfirmed(self) -> float | None:
        """Since when, by the clock, a watch has owed news that are known already from a listing or an own write."""
        return min((since for _, since in self._unconfirmed.values()), default=None)

    def expect_nothing(self) -> None:
        """Forget what a watch owes."""
        self._unconfirmed.clear()

    def put(self, body: Object, *, confirmed: bool = True) -> Key | None:
        """Take in an object; returns whose it is, if that VoiceAgent may need a look.

        `confirmed` says that a watch told of it; what is known otherwise, the watch owes.
        """
        where, new_uid, new_version = place(body), uid(body), version(body)
        if confirmed and self._unconfirmed.get(new_uid, (0, 0.0))[0] <= new_version:
            self._unconfirmed.pop(new_uid, None)
        old = self._entries.get(where)
        if new_version <= self._deleted.get(new_uid, 0) or (old and new_version <= old.version):
            return None
        if not confirmed:
            since = self._unconfirmed.get(new_uid, (0, self._clock()))[1]
            self._unconfirmed[new_uid] = (new_version, since)
        view, owner = self._view(body), self._agent_of(body)
        where, agent = _shared(where), owner and _shared(owner)
        self._forget(where)
        self._entries[where] = _Entry(new_uid, new_version, view, agent)
        if agent:
            self._of_agent[agent].add(where)
        unchanged = old is not None and old.uid == new_uid and old.view == view
        return None if unchanged else agent

    def drop(self, body: Object) -> Key | None:
        """Take note of a deletion; returns whose object it was."""
        where, old_uid, gone_version = place(body), uid(body), version(body)
        self._note_deletion(old_uid, gone_version)
        entry = self._entries.get(where)
        if entry is None or entry.uid != old_uid or entry.version > gone_version:
            return None
        self._forget(where)
        return entry.agent

    def let_go(self, body: Object) -> None:
        """The object is no more of this table, though it still exists."""
        where = place(body)
        entry = self._entries.get(where)
        if entry is not None and entry.uid == uid(body):
            self._unconfirmed.pop(entry.uid, None)
            self._forget(where)

    def keep_only(self, listed: set[str], listed_version: int) -> list[Key]:
        """Drop what a complete listing of that version did not hold; returns whose objects those were."""
        ghosts = [
            (where, entry)
            for where, entry in self._entries.items()
            if entry.uid not in listed and entry.version <= listed_version
        ]
        for where, entry in ghosts:
            self._note_deletion(entry.uid, listed_version)
            self._forget(where)
        return [entry.agent for _, entry in ghosts if entry.agent]

    def _note_deletion(self, old_uid: str, gone_version: int) -> None:
        self._unconfirmed.pop(old_uid, None)
        self._deleted[old_uid] = max(gone_version, self._deleted.get(old_uid, 0))
        while len(self._deleted) > _REMEMBERED_DELETIONS:
            self._deleted.popitem(last=False)

    def _forget(self, where: Key) -> None:
        entry = self._entries.pop(where, None)
        if entry and entry.agent:
            mine = self._of_agent[entry.agent]
            mine.discard(where)
            if not mine:
                del self._of_agent[entry.agent]


def _shared(key: Key) -> Key:
    """A key whose strings are kept once: most children are called as their VoiceAgent is."""
    return Key(sys.intern(key.namespace), sys.intern(key.name))
