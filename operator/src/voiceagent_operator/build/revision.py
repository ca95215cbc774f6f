"""The ControllerRevision: a spec that was live, so that it can be put back. Pure."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.build.common import child_metadata
from voiceagent_operator.objects import Key, Object, place, uid

HISTORY_LIMIT: Final = 10
_NOT_OF_A_REVISION: Final = ("replicas", "scaling", "suspend")
"""How many pods there are is no part of what ran."""


@dataclass(frozen=True, slots=True)
class RevisionView:
    """What is remembered of a ControllerRevision: not the spec that it keeps."""

    place: Key
    uid: str
    number: int


def view_revision(body: Object) -> RevisionView:
    """What may be remembered of a ControllerRevision."""
    return RevisionView(place=place(body), uid=uid(body), number=int(body.get("revision") or 0))


@dataclass(frozen=True, slots=True)
class History:
    """What to do for the history of an agent: one to write, some to delete, often nothing."""

    write: Object | None
    delete: tuple[RevisionView, ...]


def kept_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """The part of a spec that a revision keeps."""
    return {name: value for name, value in spec.items() if name not in _NOT_OF_A_REVISION}


def build_history(agent: VoiceAgent, spec: dict[str, Any], known: Sequence[RevisionView]) -> History:
    """How to have the spec be the newest revision: made anew, or an old one that is the same gets the next number."""
    data = {"spec": kept_spec(spec)}
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    name = f"{agent.key.name}-{hashlib.sha256(canonical.encode()).hexdigest()[:10]}"
    newest = max((revision.number for revision in known), default=0)
    same = next((revision for revision in known if revision.place.name == name), None)
    if same is not None and same.number == newest:
        return History(None, _surplus(known, HISTORY_LIMIT))
    others = [revision for revision in known if revision is not same]
    body: Object = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": child_metadata(agent, name),
        "data": data,
        "revision": newest + 1,
    }
    if same is not None:
        body["metadata"]["uid"] = same.uid
    return History(body, _surplus(others, HISTORY_LIMIT - 1))


def _surplus(known: Iterable[RevisionView], limit: int) -> tuple[RevisionView, ...]:
    by_age = sorted(known, key=lambda revision: revision.number, reverse=True)
    return tuple(by_age[limit:])

