"""Which calls have died with their worker. Pure.

A pod that drains keeps its calls, however long that takes, and a worker that ends by itself has ended them before.
A node that is out of reach has not ended anything yet: its calls may go on, and LiveKit says whether they do.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from voiceagent_operator.objects import Key
from voiceagent_operator.pods import ContainerEnd, PodView
from voiceagent_operator.readings import Reading, Session

ENDED_WELL: Final = 0
_SECOND: Final = timedelta(seconds=1)
"""Kubernetes tells when a container ended to the second."""


@dataclass(frozen=True, slots=True)
class DeadSession:
    """A call whose agent is no more, though LiveKit may still show it."""

    agent: Key
    room: str
    job_id: str


def dead_sessions(before: PodView, after: PodView | None, reading: Reading | None) -> tuple[DeadSession, ...]:
    """The calls that died between two looks at a pod; `reading` is what it said last, `after` is None once it is gone.

    What a pod said may be older than the end of its container, or newer: a call that a later run has taken lives.
    """
    if before.agent is None or not before.run or reading is None or reading.uid != before.uid:
        return ()
    now = after if after is not None and after.uid == before.uid else None
    if now is not None and now.exists and now.run == before.run:
        return ()
    end = _end_of(before.run, now or before)
    if end is not None and end.exit_code == ENDED_WELL:
        return ()
    return tuple(
        DeadSession(before.agent, session.room, session.job_id)
        for session in reading.sessions
        if not _began_later(session, end)
    )


def _end_of(run: str, pod: PodView) -> ContainerEnd | None:
    return pod.ended if pod.ended is not None and pod.ended.run == run else None


def _began_later(session: Session, end: ContainerEnd | None) -> bool:
    if end is None or not end.at:
        return False
    try:
        ended_at = datetime.fromisoformat(end.at)
    except ValueError:
        return False
    started_at = session.started_at if session.started_at.tzinfo else session.started_at.replace(tzinfo=UTC)
    return started_at >= ended_at.astimezone(UTC) + _SECOND
