"""How many calls an agent can take now, from what its pods last said. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from voiceagent_api.worker_status import SessionRecord

from voiceagent_gateway.merge import end_of
from voiceagent_gateway.model import AgentRef, PastSession, PodView, as_utc


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one agent at one moment."""

    capacity: int | None
    """Calls that its pods take at once; None where no pod of an agent that is said to be ready is known."""
    active: int
    """Calls on those pods."""
    ready_pods: int
    """Pods that take calls."""
    starting: tuple[str, ...]
    """What the pods that do not yet take calls do, in words."""
    started: Mapping[str, datetime]
    """When the latest call in each room began, on any pod, whether or not it still runs."""
    running: frozenset[str]
    """Rooms with a call now, on any pod."""

    @property
    def free(self) -> int | None:
        """Places without a call; promises are not counted. None where that cannot be told."""
        return None if self.capacity is None else self.capacity - self.active

    def joined_since(self, promises: Mapping[str, datetime]) -> frozenset[str]:
        """Of the rooms that a place is held for, those whose call has begun since."""
        if not promises:
            return frozenset()
        return frozenset(
            room
            for room, since in promises.items()
            if room in self.running or (room in self.started and self.started[room] >= since)
        )


def count_places(agent: AgentRef, views: Sequence[PodView], past: Iterable[PastSession] = ()) -> Places:
    """The places of an agent.

    A pod that drains or is being ended takes no more calls, so that neither its places nor its calls count. One
    that cannot be read counts by what it last said: its own limit holds, whatever is promised here.
    """
    here = [view for view in views if not view.pod.over]
    taking = [view for view in here if view.pod.ready and not _leaves(view)]
    started: dict[str, datetime] = {}
    running: set[str] = set()
    for room, began in _beginnings(here, past):
        started[room] = max(began, started.get(room, began))
    for view in here:
        running.update(record.room for record in _active(view))
    unknown = not here and agent.ready_replicas > 0
    return Places(
        capacity=None if unknown else sum(_capacity(view, agent.sessions_per_pod) for view in taking),
        active=sum(len(_active(view)) for view in taking),
        ready_pods=len(taking),
        starting=tuple(_progress(view) for view in here if not view.pod.ready and not _leaves(view)),
        started=started,
        running=frozenset(running),
    )


def _beginnings(views: Sequence[PodView], past: Iterable[PastSession]) -> Iterator[tuple[str, datetime]]:
    for view in views:
        for record in view.status.sessions if view.status else ():
            yield record.room, as_utc(record.started_at)
    for session in past:
        yield session.record.room, as_utc(session.record.started_at)


def _active(view: PodView) -> list[SessionRecord]:
    return [record for record in view.status.sessions if end_of(record) is None] if view.status else []


def _capacity(view: PodView, otherwise: int) -> int:
    told = view.status.session_capacity if view.status else None
    return otherwise if told is None else told


def _leaves(view: PodView) -> bool:
    return view.pod.terminating or (view.status is not None and view.status.draining)


def _progress(view: PodView) -> str:
    if view.pod.phase == "Running":
        return f"pod {view.pod.name} is starting"
    return f"pod {view.pod.name} waits for a node or its image"
