"""What the operator writes for an agent, recorded by running its own reconciler against a client that only listens.

So every contestant writes what the operator really writes, whatever that is by now.
"""

import itertools
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from voiceagent_api.install import load_install_config
from voiceagent_operator.apply import Applier
from voiceagent_operator.client import APPLY_PATCH, JSON, Client, Page
from voiceagent_operator.errors import ApiError
from voiceagent_operator.events import EventRecorder
from voiceagent_operator.kinds import SECRET, VOICE_AGENT, Kind
from voiceagent_operator.objects import Object, place
from voiceagent_operator.observe import Observer
from voiceagent_operator.pace import Pace
from voiceagent_operator.reconcile import Reconciler
from voiceagent_operator.scaler import Scaler
from voiceagent_operator.sizing import Sizing
from voiceagent_operator.tables import Tables
from voiceagent_operator.taken import TakenNames
from voiceagent_operator.turns import Turns


@dataclass(frozen=True)
class Write:
    """One request that changes something."""

    method: str
    path: str
    query: str
    content_type: str
    body: Object

    @property
    def collection(self) -> str:
        """Where objects of its kind are listed."""
        return self.path.rpartition("/")[0] if self.method == "PATCH" else self.path


class Listener(Client):
    """Finds nothing, and takes every write down."""

    def __init__(self) -> None:
        self.writes: list[Write] = []
        self._numbers = itertools.count(1)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Object:
        if method == "GET" or body is None:
            raise ApiError(404, "NotFound", path)
        if method == "POST" and not path.endswith("/secrets"):
            # The floor applies: what creating saves beside that is the operator's own merit.
            query = {**(query or {}), "force": "false"}
            method, path, content_type = "PATCH", f"{path}/{body['metadata']['name']}", APPLY_PATCH
        self.writes.append(Write(method, path, urlencode(query or {}), content_type, body))
        number = next(self._numbers)
        return {**body, "metadata": {**body["metadata"], "uid": f"uid-{number}", "resourceVersion": str(number)}}


class Recorder:
    """Tells what the operator would write for an agent that is new, its status last."""

    def __init__(self, install_file: Path, secrets: list[Object]) -> None:
        install, self._listener = load_install_config(install_file), Listener()
        self._tables = Tables(install.livekit.url)
        for secret in secrets:
            self._tables.note(SECRET, None, secret)

        def now() -> datetime:
            return datetime.now(UTC)

        async def tell(*_: object) -> None:
            return None

        taken = TakenNames(_nothing, self._listener.find, monotonic)
        observer, applier = Observer(self._listener, self._tables, taken), Applier(self._listener, self._tables)
        self._reconciler = Reconciler(
            install,
            observer,
            applier,
            Turns(install.rollout.max_concurrent_agents, lambda _: None),
            lambda _: {},
            Sizing(Scaler(monotonic), observer, applier, tell, now),
            EventRecorder(self._listener, monotonic, now),
            Pace(0, monotonic),
            now,
        )

    async def writes(self, agent: Object) -> list[Write]:
        """Everything to write for one agent."""
        self._listener.writes.clear()
        self._tables.note(VOICE_AGENT, None, agent)
        await self._reconciler.reconcile(place(agent))
        self._tables.note(VOICE_AGENT, "DELETED", agent)
        return list(self._listener.writes)


async def _nothing(kind: Kind, namespace: str) -> Page:
    """Nobody else has anything, whenever that is asked."""
    return Page([], version=sys.maxsize)


def as_templates(writes: list[Write]) -> dict[str, Any]:
    """The children and the status of an agent, for contestants that fill in an agent's own."""
    *children, status = writes
    return {"children": [write.body for write in children], "status": status.body["status"]}
