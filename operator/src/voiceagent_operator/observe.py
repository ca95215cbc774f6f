"""The only reader: what is there of a VoiceAgent's children, pods and Secrets, as the tables tell.

An object of another owner is not watched: its name seems free until the API server is asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from voiceagent_api.names import LABEL_REVISION, worker_labels
from voiceagent_api.voiceagent import VoiceAgentSpec

from voiceagent_operator.build.revision import RevisionView
from voiceagent_operator.client import Client
from voiceagent_operator.compare import is_within, stamped
from voiceagent_operator.credentials import SecretView
from voiceagent_operator.kinds import CONFIG_MAP, DEPLOYMENT, REPLICA_SET, Kind, kind_of
from voiceagent_operator.objects import Key, Object, place
from voiceagent_operator.pods import PodView
from voiceagent_operator.sources import read_instructions
from voiceagent_operator.tables import Tables
from voiceagent_operator.taken import Holder, TakenNames


@dataclass(frozen=True, slots=True)
class Child:
    """A child that is wanted, and what is there under its name."""

    kind: Kind
    desired: Object
    observed: Object | None

    @property
    def in_place(self) -> bool:
        """Whether nothing is to be written."""
        return self.observed is not None and is_within(stamped(self.desired), self.observed)


class Observer:
    """Reads the cluster for the reconciler."""

    def __init__(self, client: Client, tables: Tables, taken: TakenNames) -> None:
        self._client = client
        self._tables = tables
        self._taken = taken

    def agent(self, key: Key) -> Object | None:
        """The VoiceAgent as the API server last told of it."""
        return self._tables.agent(key)

    def agents(self) -> list[Key]:
        """All VoiceAgents."""
        return self._tables.agents()

    def secrets(self, key: Key, names: Iterable[str]) -> dict[str, SecretView]:
        """Those of the Secrets that exist; a change of any brings the VoiceAgent back."""
        return self._tables.use_secrets(key, names)

    def elder(self, key: Key) -> Key | None:
        """Another VoiceAgent that has this one's dispatch name on the same LiveKit, and had it first."""
        return self._tables.elder(key)

    async def instructions(self, key: Key, spec: VoiceAgentSpec) -> str:
        """The instructions, from wherever they are kept; a change of that brings the VoiceAgent back.

        Raises Hindrance where they are missing or too long, ApiError where the ConfigMap cannot be read.
        """
        source = spec.instructions_from.config_map_key_ref if spec.instructions_from else None
        view = self._tables.use_source(key, source.name if source else None)
        if source is None:
            return spec.instructions or ""
        where = Key(key.namespace, source.name)
        body = await self._client.find(CONFIG_MAP, *where) if view else None
        return read_instructions(where, source.key, body)

    def forget(self, key: Key) -> None:
        """A VoiceAgent is gone."""
        self._tables.forget_uses(key)

    def deployment(self, key: Key) -> Object | None:
        """The Deployment of the VoiceAgent's name, if it is the operator's."""
        return self._tables.child(DEPLOYMENT, key)

    async def template_of(self, key: Key, revision: str) -> Object | None:
        """The pod template of a revision that still has pods, as its ReplicaSet keeps it. Raises ApiError."""
        labels = {**worker_labels(key.name), LABEL_REVISION: revision}
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        for body in await self._client.select(REPLICA_SET, key.namespace, selector):
            template: Object = body["spec"]["template"]
            return template
        return None

    async def holder(self, kind: Kind, where: Key, since_version: int) -> Holder | None:
        """Who has a name that none of the operator's own objects has, at that version or later. Raises ApiError."""
        if kind == CONFIG_MAP:  # all of them are watched
            return Holder(None) if self._tables.is_source(where) else None
        return await self._taken.holder(kind, where, since_version)

    def config_maps(self, key: Key) -> list[Object]:
        """All config files of the VoiceAgent, of this and earlier pod templates."""
        return self._tables.children(CONFIG_MAP, key)

    def revisions(self, key: Key) -> list[RevisionView]:
        """The kept specs of the VoiceAgent."""
        return self._tables.revisions(key)

    def pods(self, key: Key) -> list[PodView]:
        """All worker pods of the VoiceAgent, draining ones too."""
        return self._tables.pods(key)

    def children(self, desired: Iterable[Object]) -> list[Child]:
        """What is known under the names of the wanted children."""
        return [
            Child(kind := kind_of(child["kind"]), child, self._tables.child(kind, place(child))) for child in desired
        ]
