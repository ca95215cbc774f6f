"""Many pods' sessions made into one picture of the fleet. Pure: its only clock is the moment it is given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Final

from voiceagent_api.worker_status import SessionRecord, TurnRecord

from voiceagent_gateway.model import PastSession, PodRef, PodView, as_utc

WINDOW: Final = timedelta(hours=1)
"""How long an ended session is shown, and over which averages are taken."""
ACTIVE: Final = "active"


@dataclass(frozen=True, slots=True)
class FleetSession:
    """One call, and where it is or was."""

    pod: PodRef
    record: SessionRecord
    outcome: str
    ended_at: datetime | None
    """None while the call runs."""
    stale: bool = False
    """Whether its pod did not answer, so that this is how it was when it last did."""
    test: bool = False


@dataclass(frozen=True, slots=True)
class Performance:
    """Averages in milliseconds; None where nothing was measured."""

    stt: float | None = None
    llm_ttft: float | None = None
    tts_ttfb: float | None = None
    e2e: float | None = None
    turns: int = 0


@dataclass(frozen=True, slots=True)
class MinuteBucket:
    """The sessions that ended within one minute."""

    start: datetime
    outcomes: dict[str, int]
    average_duration_seconds: float | None
    performance: Performance

    @property
    def ended(self) -> int:
        """How many ended."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Fleet:
    """All worker pods and their calls at one moment."""

    at: datetime
    active: tuple[FleetSession, ...]
    recent: tuple[FleetSession, ...]
    """Ended within the hour, the latest first."""
    pods: tuple[PodView, ...]
    performance: Performance
    history: tuple[MinuteBucket, ...]
    """One bucket for each minute of the hour, the oldest first."""

    @property
    def has_test_data(self) -> bool:
        """Whether any of it was made up for a test."""
        return any(session.test for session in (*self.active, *self.recent))


def merge(pods: Sequence[PodView], past: Iterable[PastSession], now: datetime) -> Fleet:
    """The fleet at `now`, from what its pods last said and what is remembered of pods that are gone.

    A session that both tell of is taken from its pod.
    """
    now = as_utc(now)
    oldest = now - WINDOW
    sessions = {(session.pod.uid, session.record.id): session for session in map(_from_past, past)}
    for view in pods:
        for record in view.status.sessions if view.status else ():
            sessions[(view.pod.uid, record.id)] = _from_pod(view, record)
    active = [session for session in sessions.values() if session.ended_at is None]
    recent = [session for session in sessions.values() if session.ended_at and session.ended_at > oldest]
    active.sort(key=lambda session: (as_utc(session.record.started_at), session.record.id, session.pod.uid))
    recent.sort(key=lambda session: (_ended(session), session.record.id, session.pod.uid), reverse=True)
    return Fleet(
        at=now,
        active=tuple(active),
        recent=tuple(recent),
        pods=tuple(sorted(pods, key=lambda view: (view.pod.namespace, view.pod.name, view.pod.uid))),
        performance=_lately((*active, *recent), oldest),
        history=tuple(_history(recent, now)),
    )


def average(turns: Iterable[TurnRecord]) -> Performance:
    """The mean of each latency over the turns that measured it."""
    # One pass: of a large fleet these are a hundred thousand turns, and others wait meanwhile.
    count = 0
    stt_sum = llm_sum = tts_sum = e2e_sum = 0.0
    stt_count = llm_count = tts_count = e2e_count = 0
    for turn in turns:
        count += 1
        if (stt := turn.stt_milliseconds) is not None:
            stt_sum += stt
            stt_count += 1
        if (llm := turn.llm_ttft_milliseconds) is not None:
            llm_sum += llm
            llm_count += 1
        if (tts := turn.tts_ttfb_milliseconds) is not None:
            tts_sum += tts
            tts_count += 1
        if (e2e := turn.e2e_milliseconds) is not None:
            e2e_sum += e2e
            e2e_count += 1
    return Performance(
        stt=stt_sum / stt_count if stt_count else None,
        llm_ttft=llm_sum / llm_count if llm_count else None,
        tts_ttfb=tts_sum / tts_count if tts_count else None,
        e2e=e2e_sum / e2e_count if e2e_count else None,
        turns=count,
    )


def end_of(record: SessionRecord) -> datetime | None:
    """When the session ended; None while it runs. One that does not say when ended with its last turn."""
    if record.ended_at is not None:
        return as_utc(record.ended_at)
    if record.outcome == ACTIVE:
        return None
    return as_utc(record.turns[-1].at if record.turns else record.started_at)


def duration_seconds(session: FleetSession, now: datetime) -> float:
    """How long the call took, or has taken so far; never less than nothing, whatever the pods' clocks say."""
    return max(0.0, ((session.ended_at or now) - as_utc(session.record.started_at)).total_seconds())


def _lately(sessions: Iterable[FleetSession], oldest: datetime) -> Performance:
    return average(turn for session in sessions for turn in session.record.turns if _after(turn.at, oldest))


def _after(moment: datetime, other: datetime) -> bool:
    # Without a value of its own for each turn: only one that has no zone is to be read as UTC.
    return (moment if moment.tzinfo else as_utc(moment)) > other


def _from_pod(view: PodView, record: SessionRecord) -> FleetSession:
    return FleetSession(view.pod, record, record.outcome, end_of(record), stale=view.stale)


def _from_past(session: PastSession) -> FleetSession:
    return FleetSession(session.pod, session.record, session.outcome, as_utc(session.ended_at), test=session.test)


def _history(recent: Sequence[FleetSession], now: datetime) -> Iterable[MinuteBucket]:
    first = (now - WINDOW).replace(second=0, microsecond=0)
    count = int(WINDOW.total_seconds() // 60) + 1
    minutes: list[list[FleetSession]] = [[] for _ in range(count)]
    for session in recent:
        index = int((_ended(session) - first).total_seconds() // 60)
        # A pod's clock may run ahead of ours.
        minutes[min(max(index, 0), count - 1)].append(session)
    for index, ended in enumerate(minutes):
        outcomes: dict[str, int] = {}
        for session in ended:
            outcomes[session.outcome] = outcomes.get(session.outcome, 0) + 1
        yield MinuteBucket(
            start=first + timedelta(minutes=index),
            outcomes=outcomes,
            average_duration_seconds=_mean(duration_seconds(session, now) for session in ended),
            performance=average(turn for session in ended for turn in session.record.turns),
        )


def _ended(session: FleetSession) -> datetime:
    if session.ended_at is None:
        raise ValueError("the session has not ended")
    return session.ended_at


def _mean(values: Iterable[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return fmean(measured) if measured else None
