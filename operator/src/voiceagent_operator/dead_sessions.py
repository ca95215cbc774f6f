"""Which workers have died, and which calls with them. Pure.

A pod that drains keeps its calls, however long that takes, and a worker that ends by itself has ended them before.
A node that is out of reach has not ended anything yet: its calls may go on, and LiveKit says whether they do.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from voiceagent_operator.objects import Key
from voiceagent_operator.pods import ContainerEnd, PodView
from voiceagent_operator.readings import Reading

ENDED_WELL: Final = 0
_SECOND: Final = timedelta(seconds=1)
"""Kubernetes tells when a container ended to the second."""


@dataclass(frozen=True, slots=True)
class DeadSession:
    """A call whose agent is no more, though LiveKit may still show it."""

    agent: Key
    room: str
    job_id: str


@dataclass(frozen=True, slots=True)
class DeadWorker:
    """A worker process that is no more: its agents, whoever knows of them, are dead."""

    agent: Key
    process: str
    """As its agents in their rooms name it."""


def dead_worker(before: PodView, after: PodView | None, reading: Reading | None) -> DeadWorker | None:
    """The worker that died between two looks at a pod, if it was the one that `reading` is of."""
    death = _death(before, after, reading)
    if death is None or not death.reading.process or _began_later(death.reading.started_at, death.end):
        return None
    return DeadWorker(death.agent, death.reading.process)


def dead_sessions(before: PodView, after: PodView | None, reading: Reading | None) -> tuple[DeadSession, ...]:
    """The calls that died between two looks at a pod; `reading` is what it said last, `after` is None once it is gone.

    What a pod said may be older than the end of its container, or newer: a call that a later run has taken lives.
    """
    death = _death(before, after, reading)
    if death is None:
        return ()
    return tuple(
        DeadSession(death.agent, session.room, session.job_id)
        for session in death.reading.sessions
        if not _began_later(session.started_at, death.end)
    )


@dataclass(frozen=True, slots=True)
class _Death:
    """A run of a worker that did not end well."""

    agent: Key
    end: ContainerEnd | None
    reading: Reading


def _death(before: PodView, after: PodView | None, reading: Reading | None) -> _Death | None:
    if before.agent is None or not before.run or reading is None or reading.uid != before.uid:
        return None
    now = after if after is not None and after.uid == before.uid else None
    if now is not None and now.exists and now.run == before.run:
        return None
    end = _end_of(before.run, now or before)
    if end is not None and end.exit_code == ENDED_WELL:
        return None
    return _Death(before.agent, end, reading)


def _end_of(run: str, pod: PodView) -> ContainerEnd | None:
    return pod.ended if pod.ended is not None and pod.ended.run == run else None


def _began_later(began_at: datetime | None, end: ContainerEnd | None) -> bool:
    if began_at is None or end is None or not end.at:
        return False
    try:
        ended_at = datetime.fromisoformat(end.at)
    except ValueError:
        return False
    began_at = began_at if began_at.tzinfo else began_at.replace(tzinfo=UTC)
    return began_at >= ended_at.astimezone(UTC) + _SECOND
