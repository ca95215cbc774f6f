"""All that the operator has seen of the cluster: lookup tables, filled by watch events and by its own writes.

kopf's own indexes are too slow to fill. Versions are compared, so that a late event never undoes what a newer
one, or an answer to a write, has told. Nothing here waits: a change is told to whoever asks `note` for the keys
to reconcile.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from voiceagent_api.names import LABEL_AGENT

from voiceagent_operator.credentials import SecretView, view_secret
from voiceagent_operator.kinds import CHILDREN, POD, SECRET, VOICE_AGENT, Kind
from voiceagent_operator.objects import Key, Object, controlling_agent, labels, place, uid, version
from voiceagent_operator.pods import PodView, view_pod

View = TypeVar("View")
DELETED: Final = "DELETED"
_REMEMBERED_DELETIONS: Final = 10_000


@dataclass(slots=True)
class _Entry(Generic[View]):
    uid: str
    version: int
    view: View
    agent: Key | None


class Table(Generic[View]):
    """One kind's objects by namespace and name, and by the VoiceAgent that they belong to."""

    def __init__(self, view: Callable[[Object], View], agent_of: Callable[[Object], Key | None]) -> None:
        self._view = view
        self._agent_of = agent_of
        self._entries: dict[Key, _Entry[View]] = {}
        self._of_agent: dict[Key, set[Key]] = defaultdict(set)
        self._deleted: OrderedDict[str, None] = OrderedDict()
        self._unconfirmed: set[str] = set()

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
    def unconfirmed(self) -> int:
        """How many objects were listed, but not yet told of by a watch: their deletion could have been missed."""
        return len(self._unconfirmed)

    def put(self, body: Object, *, confirmed: bool = True) -> Key | None:
        """Take in an object; returns whose it is, if that VoiceAgent may need a look."""
        where, new_uid, new_version = place(body), uid(body), version(body)
        if confirmed:
            self._unconfirmed.discard(new_uid)
        old = self._entries.get(where)
        if new_uid in self._deleted or (old and new_version <= old.version):
            return None
        if not confirmed:
            self._unconfirmed.add(new_uid)
        view, agent = self._view(body), self._agent_of(body)
        self._forget(where)
        self._entries[where] = _Entry(new_uid, new_version, view, agent)
        if agent:
            self._of_agent[agent].add(where)
        unchanged = old is not None and old.uid == new_uid and old.view == view
        return None if unchanged else agent

    def drop(self, body: Object) -> Key | None:
        """Take note of a deletion; returns whose object it was."""
        where, old_uid = place(body), uid(body)
        self._note_deletion(old_uid)
        entry = self._entries.get(where)
        if entry is None or entry.uid != old_uid:
            return None
        self._forget(where)
        return entry.agent

    def keep_only(self, listed: set[str], listed_version: int) -> list[Key]:
        """Drop what a complete listing of that version did not hold; returns whose objects those were."""
        ghosts = [
            (where, entry)
            for where, entry in self._entries.items()
            if entry.uid not in listed and entry.version <= listed_version
        ]
        for where, entry in ghosts:
            self._note_deletion(entry.uid)
            self._forget(where)
        return [entry.agent for _, entry in ghosts if entry.agent]

    def _note_deletion(self, old_uid: str) -> None:
        self._unconfirmed.discard(old_uid)
        self._deleted[old_uid] = None
        while len(self._deleted) > _REMEMBERED_DELETIONS:
            self._deleted.popitem(last=False)

    def _forget(self, where: Key) -> None:
        entry = self._entries.pop(where, None)
        if entry and entry.agent:
            mine = self._of_agent[entry.agent]
            mine.discard(where)
            if not mine:
                del self._of_agent[entry.agent]


class Tables:
    """The tables of all watched kinds, and which VoiceAgent uses which Secret."""

    def __init__(self) -> None:
        self._agents: Table[Object] = Table(_without_managed_fields, place)
        self._children = {kind: Table(_without_managed_fields, _owner) for kind in CHILDREN}
        self._pods: Table[PodView] = Table(view_pod, _labelled_agent)
        self._secrets: Table[SecretView] = Table(view_secret, place)
        self._secrets_of: dict[Key, frozenset[str]] = {}
        self._users_of: dict[Key, set[Key]] = defaultdict(set)

    def note(self, kind: Kind, event_type: str | None, body: Object, *, confirmed: bool = True) -> list[Key]:
        """Take in a watch event; returns the VoiceAgents to reconcile."""
        table = self._table(kind)
        concerned = table.drop(body) if event_type == DELETED else table.put(body, confirmed=confirmed)
        return self._users(kind, concerned)

    def remember(self, kind: Kind, body: Object) -> None:
        """Take in the answer to a write of the operator's own: no reason to look again."""
        self._table(kind).put(body)

    def keep_only(self, kind: Kind, listed: set[str], listed_version: int) -> list[Key]:
        """Drop what a complete listing did not hold; returns the VoiceAgents to reconcile."""
        return [
            key
            for concerned in self._table(kind).keep_only(listed, listed_version)
            for key in self._users(kind, concerned)
        ]

    @property
    def unconfirmed(self) -> int:
        """How many listed objects no watch has told of yet."""
        return sum(self._table(kind).unconfirmed for kind in (VOICE_AGENT, *CHILDREN, POD, SECRET))

    def agent(self, key: Key) -> Object | None:
        """The VoiceAgent as last seen."""
        return self._agents.get(key)

    def agents(self) -> list[Key]:
        """All VoiceAgents."""
        return self._agents.places()

    def child(self, kind: Kind, where: Key) -> Object | None:
        """A child by name, as last seen."""
        return self._children[kind].get(where)

    def children(self, kind: Kind, agent: Key) -> list[Object]:
        """All children of a kind that a VoiceAgent has."""
        return self._children[kind].of_agent(agent)

    def pods(self, agent: Key) -> list[PodView]:
        """All worker pods of a VoiceAgent."""
        return self._pods.of_agent(agent)

    def use_secrets(self, agent: Key, names: Iterable[str]) -> dict[str, SecretView]:
        """The Secrets of these names that exist; from now on the VoiceAgent is looked at when one changes."""
        wanted = frozenset(names)
        if wanted != self._secrets_of.get(agent, frozenset()):
            self.forget_secrets(agent)
            self._secrets_of[agent] = wanted
            for name in wanted:
                self._users_of[Key(agent.namespace, name)].add(agent)
        found = {name: self._secrets.get(Key(agent.namespace, name)) for name in wanted}
        return {name: secret for name, secret in found.items() if secret}

    def forget_secrets(self, agent: Key) -> None:
        """The VoiceAgent is gone, or uses others now."""
        for name in self._secrets_of.pop(agent, frozenset()):
            where = Key(agent.namespace, name)
            self._users_of[where].discard(agent)
            if not self._users_of[where]:
                del self._users_of[where]

    def _table(self, kind: Kind) -> "Table[Object] | Table[PodView] | Table[SecretView]":
        if kind in self._children:
            return self._children[kind]
        fixed: Mapping[Kind, Table[Object] | Table[PodView] | Table[SecretView]] = {
            VOICE_AGENT: self._agents,
            POD: self._pods,
            SECRET: self._secrets,
        }
        return fixed[kind]

    def _users(self, kind: Kind, concerned: Key | None) -> list[Key]:
        if concerned is None:
            return []
        return sorted(self._users_of.get(concerned, ())) if kind == SECRET else [concerned]


def _owner(child: Object) -> Key | None:
    reference = controlling_agent(child)
    return Key(place(child).namespace, reference["name"]) if reference else None


def _labelled_agent(pod: Object) -> Key | None:
    name = labels(pod).get(LABEL_AGENT)
    return Key(place(pod).namespace, name) if name else None


def _without_managed_fields(body: Object) -> Object:
    meta = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": meta}
