"""What kopf calls: each event goes into the tables, and the VoiceAgents that it concerns into the queue.

Nothing is decided and nothing is written here: kopf does not retry event handlers, and with these alone it
writes nothing to any object, neither finalizers nor annotations.
"""

from typing import Any

import kopf

from voiceagent_operator.kinds import POD, WATCHED, Kind
from voiceagent_operator.objects import Key, place
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.tables import Tables


def register_handlers(
    registry: kopf.OperatorRegistry,
    tables: Tables,
    queue: WorkQueue[Key],
    pods: WorkQueue[Key],
) -> None:
    """Watch every kind that a VoiceAgent's state depends on.

    A worker pod that is heard of is to be asked, too.
    """
    for kind in WATCHED:
        _register(registry, kind, tables, queue, pods)


def _register(
    registry: kopf.OperatorRegistry,
    kind: Kind,
    tables: Tables,
    queue: WorkQueue[Key],
    pods: WorkQueue[Key],
) -> None:
    @kopf.on.event(kind.group, kind.version, kind.plural, id=f"{kind.plural}-seen", registry=registry)
    async def seen(*, event: kopf.RawEvent, **_: Any) -> None:
        body = {"apiVersion": kind.api_version, "kind": kind.name, **event["object"]}
        for key in tables.note(kind, event["type"], body):
            queue.add(key)
        if kind == POD:
            pods.add(place(body))
