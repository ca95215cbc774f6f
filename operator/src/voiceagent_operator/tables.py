"""All that the operator has seen of the cluster: lookup tables, filled by watch events and by its own writes.

kopf's own indexes are too slow to fill. Nothing here waits: a change is told to whoever asks `note` for the keys
to reconcile. Thousands of agents must fit, so children are kept packed, and of other objects only what is asked for.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from voiceagent_api.names import LABEL_AGENT

from voiceagent_operator.build.revision import RevisionView, view_revision
from voiceagent_operator.claims import NameClaims
from voiceagent_operator.credentials import SecretView, view_secret, view_secret_metadata
from voiceagent_operator.kinds import CHILDREN, CONFIG_MAP, CONTROLLER_REVISION, POD, SECRET, VOICE_AGENT, Kind
from voiceagent_operator.objects import Key, Object, controlling_agent, labels, place
from voiceagent_operator.packing import Packer
from voiceagent_operator.pods import PodView, view_pod
from voiceagent_operator.sources import SourceView, view_source
from voiceagent_operator.table import Table
from voiceagent_operator.users import Users

DELETED: Final = "DELETED"


class Tables:
    """The tables of all watched kinds, and which VoiceAgent uses which Secret and ConfigMap."""

    def __init__(
        self, livekit_url: str = "", clock: Callable[[], float] = time.monotonic, *, secret_values: bool = True
    ) -> None:
        """`secret_values` says whether Secrets are seen with their values, of which the keys are noted."""
        self._packers = {kind: Packer() for kind in (VOICE_AGENT, *CHILDREN)}
        self._agents: Table[bytes] = Table(self._packers[VOICE_AGENT].pack, place, clock)
        self._children = {kind: Table(self._packers[kind].pack, _owner, clock) for kind in CHILDREN}
        self._revisions: Table[RevisionView] = Table(view_revision, _owner, clock)
        self._pods: Table[PodView] = Table(view_pod, _labelled_agent, clock)
        self._secrets: Table[SecretView] = Table(view_secret if secret_values else view_secret_metadata, place, clock)
        self._sources: Table[SourceView] = Table(view_source, place, clock)
        self._of_kind: dict[Kind, tuple[Table[Any], ...]] = {
            **{kind: (table,) for kind, table in self._children.items()},
            CONFIG_MAP: (self._children[CONFIG_MAP], self._sources),
            VOICE_AGENT: (self._agents,),
            CONTROLLER_REVISION: (self._revisions,),
            POD: (self._pods,),
            SECRET: (self._secrets,),
        }
        self._users = {SECRET: Users(), CONFIG_MAP: Users()}
        self._claims = NameClaims(livekit_url)

    def note(self, kind: Kind, event_type: str | None, body: Object, *, confirmed: bool = True) -> list[Key]:
        """Take in a watch event; returns the VoiceAgents to reconcile."""
        table = self._table_of(kind, body)
        if event_type == DELETED:
            concerned = table.drop(body)
            rivals = self._claims.release(place(body)) if kind == VOICE_AGENT and concerned else []
        else:
            self._let_others_go(kind, body)
            concerned = table.put(body, confirmed=confirmed)
            rivals = self._claims.claim(body) if kind == VOICE_AGENT and concerned else []
        return self._concerned(kind, table, concerned) + rivals

    def remember(self, kind: Kind, body: Object) -> None:
        """Take in the answer to a write of the operator's own: no reason to look again."""
        self._let_others_go(kind, body)
        self._table_of(kind, body).put(body, confirmed=False)

    def keep_only(self, kind: Kind, listed: set[str], listed_version: int) -> list[Key]:
        """Drop what a complete listing did not hold; returns the VoiceAgents to reconcile."""
        found: list[Key] = []
        for table in self._of_kind[kind]:
            for gone in table.keep_only(listed, listed_version):
                found += self._concerned(kind, table, gone)
                found += self._claims.release(gone) if kind == VOICE_AGENT else []
        return found

    def expect_nothing(self, kind: Kind) -> None:
        """The watch on a kind has begun anew: it owes nothing of what is known."""
        for table in self._of_kind[kind]:
            table.expect_nothing()

    def watch_owes_since(self) -> float | None:
        """Since when, by the clock, a watch has not told what is known from a listing or an own write."""
        owed = (table.oldest_unconfirmed for tables in self._of_kind.values() for table in tables)
        return min((since for since in owed if since is not None), default=None)

    def counts(self) -> dict[str, int]:
        """How many objects of each kind are known."""
        return {kind.name: sum(len(table.places()) for table in tables) for kind, tables in self._of_kind.items()}

    def agent(self, key: Key) -> Object | None:
        """The VoiceAgent as last seen."""
        return self._unpacked(VOICE_AGENT, self._agents.get(key))

    def agents(self) -> list[Key]:
        """All VoiceAgents."""
        return self._agents.places()

    def agent_bodies(self) -> Iterator[Object]:
        """All VoiceAgents as last seen, one unpacked at a time."""
        return (body for key in self.agents() if (body := self.agent(key)) is not None)

    def child(self, kind: Kind, where: Key) -> Object | None:
        """A child by name, as last seen."""
        return self._unpacked(kind, self._children[kind].get(where))

    def children(self, kind: Kind, agent: Key) -> list[Object]:
        """All children of a kind that a VoiceAgent has."""
        return [self._packers[kind].unpack(packed) for packed in self._children[kind].of_agent(agent)]

    def revisions(self, agent: Key) -> list[RevisionView]:
        """The kept specs of a VoiceAgent."""
        return self._revisions.of_agent(agent)

    def pod(self, where: Key) -> PodView | None:
        """A worker pod by name."""
        return self._pods.get(where)

    def pod_places(self) -> list[Key]:
        """All worker pods."""
        return self._pods.places()

    def pods(self, agent: Key) -> list[PodView]:
        """All worker pods of a VoiceAgent."""
        return self._pods.of_agent(agent)

    def elder(self, agent: Key) -> Key | None:
        """The VoiceAgent that had this one's dispatch name on the same LiveKit first, if there is one."""
        return self._claims.elder(agent)

    def secret(self, where: Key) -> SecretView | None:
        """A Secret by name, as last seen."""
        return self._secrets.get(where)

    def use_secrets(self, agent: Key, names: Iterable[str]) -> dict[str, SecretView]:
        """The Secrets of these names that exist; from now on the VoiceAgent is looked at when one changes."""
        wanted = self._users[SECRET].use(agent, names)
        found = {name: self._secrets.get(Key(agent.namespace, name)) for name in wanted}
        return {name: secret for name, secret in found.items() if secret}

    def use_source(self, agent: Key, name: str | None) -> SourceView | None:
        """The ConfigMap that an agent's instructions are in; it is looked at when that changes."""
        self._users[CONFIG_MAP].use(agent, () if name is None else (name,))
        return None if name is None else self._sources.get(Key(agent.namespace, name))

    def is_source(self, where: Key) -> bool:
        """Whether a ConfigMap of that name is somebody else's."""
        return self._sources.get(where) is not None

    def forget_uses(self, agent: Key) -> None:
        """The VoiceAgent is gone."""
        for users in self._users.values():
            users.use(agent, ())

    def _unpacked(self, kind: Kind, packed: bytes | None) -> Object | None:
        return None if packed is None else self._packers[kind].unpack(packed)

    def _table_of(self, kind: Kind, body: Object) -> "Table[Any]":
        """Where an object of a kind belongs: a ConfigMap may be a child, or one of a user's own."""
        first, *others = self._of_kind[kind]
        return others[0] if others and _owner(body) is None else first

    def _let_others_go(self, kind: Kind, body: Object) -> None:
        if len(self._of_kind[kind]) > 1:
            chosen = self._table_of(kind, body)
            for table in self._of_kind[kind]:
                if table is not chosen:
                    table.let_go(body)

    def _concerned(self, kind: Kind, table: "Table[Any]", concerned: Key | None) -> list[Key]:
        if concerned is None:
            return []
        if table is self._secrets or table is self._sources:
            return self._users[kind].of(concerned)
        return [concerned]


def _owner(child: Object) -> Key | None:
    reference = controlling_agent(child)
    return Key(place(child).namespace, reference["name"]) if reference else None


def _labelled_agent(pod: Object) -> Key | None:
    name = labels(pod).get(LABEL_AGENT)
    return Key(place(pod).namespace, name) if name else None
