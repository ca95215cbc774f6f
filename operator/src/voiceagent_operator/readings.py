"""What worker pods last said of themselves on `/status`, and what follows for an agent. Pure."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from voiceagent_api.worker_status import ProviderCheck, WorkerStatus

LATENCY_WINDOW: Final = timedelta(minutes=5)
LATENCY_WINDOW_NAME: Final = "5m"


@dataclass(frozen=True, slots=True)
class Turn:
    """When a turn was, and how long its caller waited for the answer."""

    at: datetime
    e2e_milliseconds: float


@dataclass(frozen=True, slots=True)
class Session:
    """A call that runs on a pod."""

    job_id: str
    """LiveKit's name for it; it is the session's, too."""
    room: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """A pod as it last was. What cannot be read now keeps what was read before."""

    uid: str
    """The pod's: one of the same name that comes later is another."""
    reachable: bool = False
    process: str = ""
    """The worker's process, by the name that its agents carry in their rooms; empty where it gives none."""
    started_at: datetime | None = None
    """When that process began."""
    config_revision: str | None = None
    config_error: str | None = None
    registered: bool = False
    registration_error: str | None = None
    was_registered: bool = False
    """Whether it ever was: a pod that never took calls has none."""
    draining: bool = False
    active_sessions: int = 0
    session_capacity: int | None = None
    turns: tuple[Turn, ...] = ()
    checks: tuple[ProviderCheck, ...] = ()
    sessions: tuple[Session, ...] = ()
    """The calls that run, of which `active_sessions` is the number."""
    vanished: tuple[Session, ...] = ()
    """Calls that ran when it was read before, and of which it knows nothing now: its worker is another process since.
    Of a call that ended it tells for an hour."""
    replaced: str = ""
    """The process that answered before, where another answers now."""


def read_status(uid: str, status: WorkerStatus, before: Reading | None, now: datetime) -> Reading:
    """The reading of a pod that answered."""
    was = before is not None and before.uid == uid and before.was_registered
    turns = (
        Turn(turn.at, turn.e2e_milliseconds)
        for session in status.sessions
        for turn in session.turns
        if turn.e2e_milliseconds is not None and now - turn.at <= LATENCY_WINDOW
    )
    return Reading(
        uid=uid,
        reachable=True,
        process=status.process,
        started_at=status.started_at,
        config_revision=status.config_revision,
        config_error=status.config_error,
        registered=status.registered,
        registration_error=status.registration_error,
        was_registered=was or status.registered,
        draining=status.draining,
        active_sessions=sum(session.outcome == "active" for session in status.sessions),
        session_capacity=status.session_capacity,
        turns=tuple(turns),
        checks=tuple(status.provider_checks),
        sessions=tuple(
            Session(session.id, session.room, session.started_at)
            for session in status.sessions
            if session.outcome == "active"
        ),
        vanished=_vanished(before, uid, {session.id for session in status.sessions}),
        replaced=before.process if before and before.uid == uid and before.process != status.process else "",
    )


def _vanished(before: Reading | None, uid: str, known: Collection[str]) -> tuple[Session, ...]:
    if before is None or before.uid != uid:
        return ()
    return tuple(session for session in before.sessions if session.job_id not in known)


def unreadable(uid: str, before: Reading | None) -> Reading:
    """The reading of a pod that did not answer."""
    if before is None or before.uid != uid:
        return Reading(uid)
    return replace(before, reachable=False, vanished=(), replaced="")


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """Half, and 95 of 100, of the answers came within these times."""

    p50_milliseconds: int
    p95_milliseconds: int


def summarise_latency(readings: Iterable[Reading], now: datetime) -> LatencySummary | None:
    """Over all turns of the window; None where there were none."""
    waits = sorted(
        turn.e2e_milliseconds for reading in readings for turn in reading.turns if now - turn.at <= LATENCY_WINDOW
    )
    return LatencySummary(_percentile(waits, 0.50), _percentile(waits, 0.95)) if waits else None


def _percentile(ordered: Sequence[float], share: float) -> int:
    """By nearest rank."""
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)])
