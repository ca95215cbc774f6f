"""One call as it is seen again and again, and what each look adds to the history. Pure.

What is added is the difference between what is known of the call and what is seen now: the same thing seen twice, by
this gateway or the next, adds nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from voiceagent_api.worker_status import SessionRecord

from voiceagent_gateway.history.latencies import measured
from voiceagent_gateway.history.moments import milliseconds
from voiceagent_gateway.history.tally import Minutes, Tally, add_time, minute_of
from voiceagent_gateway.merge import end_of
from voiceagent_gateway.model import PastSession, PodRef, PodView

UNKNOWN: Final = "unknown"
"""The outcome of a call of which the end was not seen."""
MOST_BACK: Final = timedelta(hours=48)
"""How long ago a call may have begun for its time to be counted: a clock may be wrong."""

Key = tuple[str, str]
"""What makes it one call: the pod's uid and the session's id."""


@dataclass(frozen=True, slots=True)
class Known:
    """What has been counted of a call."""

    started: int
    seen: int
    """Until when its time is counted while it runs."""
    ended: int | None
    outcome: str
    turns: int
    last_turn: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """A call as a pod told of it, or as it is remembered."""

    pod: PodRef
    record: SessionRecord
    seen: int
    """When it was so."""
    ended: int | None
    outcome: str
    test: bool = False

    @property
    def key(self) -> Key:
        """The call's key."""
        return (self.pod.uid, self.record.id)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at all pods gave."""

    news: list[Sighting]
    """Calls of which there may be more to count than is known."""
    told: set[Key]
    """All calls that were told of or remembered."""
    active: dict[tuple[str, str], int]
    """How many calls each agent has, by namespace and name."""


def look(views: Iterable[PodView], past: Iterable[PastSession], known: Mapping[Key, Known], now: datetime) -> Look:
    """All calls that are seen or remembered. One that both tell of is taken from its pod.

    Pods tell of the calls of an hour again and again: what is settled is passed over first.
    """
    told: set[Key] = set()
    news: dict[Key, Sighting] = {}
    active: dict[tuple[str, str], int] = {}
    for session in past:
        told.add(session.key)
        before = known.get(session.key)
        if _settled(before, session.outcome):
            continue
        if _is_news(remembered := _remembered(session), before):
            news[session.key] = remembered
    for view in views:
        if view.status is None:
            continue
        read_at = milliseconds(view.read_at or now)
        agent = (view.pod.namespace, view.pod.agent)
        for record in view.status.sessions:
            key = (view.pod.uid, record.id)
            told.add(key)
            news.pop(key, None)
            before = known.get(key)
            if _settled(before, record.outcome):
                continue
            sighting = _told(view.pod, record, read_at)
            if sighting.ended is None:
                active[agent] = active.get(agent, 0) + 1
            if _is_news(sighting, before):
                news[key] = sighting
    return Look(list(news.values()), told, active)


def lost(known: Mapping[Key, Known], views: Iterable[PodView], *, listed: bool) -> list[Key]:
    """Calls that were running and are told of no more: their pod is gone, or began anew, without a word of their end.

    Nothing is concluded from a pod's absence before all pods have been `listed`.
    """
    by_uid = {view.pod.uid: view for view in views}
    told: dict[str, set[str]] = {}
    gone = []
    for (uid, session), call in known.items():
        view = by_uid.get(uid)
        if call.ended is not None or (view is None and not listed):
            continue
        if view is not None and (view.stale or view.status is None):
            continue
        if view is not None and view.status is not None and uid not in told:
            told[uid] = {record.id for record in view.status.sessions}
        if view is None or session not in told[uid]:
            gone.append((uid, session))
    return gone


def advance(known: Known | None, sighting: Sighting) -> tuple[Known, Minutes]:
    """What is known after a sighting, and what it adds to the minutes."""
    before = known or _unseen(sighting)
    after = _after(before, sighting)
    minutes: Minutes = {}
    if known is None:
        minutes.setdefault(minute_of(after.started), Tally()).started += 1
    old_end, new_end = _until(before), _until(after)
    add_time(minutes, old_end, new_end)
    add_time(minutes, new_end, old_end, sign=-1)
    if (before.ended, before.outcome) != (after.ended, after.outcome):
        if before.ended is not None:
            minutes.setdefault(minute_of(before.ended), Tally()).end(before.outcome, -1)
        if after.ended is not None:
            minutes.setdefault(minute_of(after.ended), Tally()).end(after.outcome)
    for turn in sighting.record.turns:
        at = milliseconds(turn.at)
        if at > before.last_turn:
            minutes.setdefault(minute_of(min(at, sighting.seen)), Tally()).turn(measured(turn))
            after = replace(after, turns=after.turns + 1, last_turn=max(after.last_turn, at))
    return after, minutes


def conclude(known: Known) -> tuple[Known, Minutes]:
    """What is known of a call that is lost: it ended when it was last seen, nobody knows how."""
    after = replace(known, ended=known.seen, outcome=UNKNOWN)
    minutes: Minutes = {minute_of(known.seen): Tally()}
    minutes[minute_of(known.seen)].end(UNKNOWN)
    return after, minutes


def trimmed(record: SessionRecord, most_turns: int) -> SessionRecord:
    """The record with its last turns only."""
    if len(record.turns) <= most_turns:
        return record
    return record.model_copy(update={"turns": record.turns[-most_turns:]})


def _remembered(session: PastSession) -> Sighting:
    ended = milliseconds(session.ended_at)
    return Sighting(session.pod, session.record, ended, ended, session.outcome, session.test)


def _told(pod: PodRef, record: SessionRecord, read_at: int) -> Sighting:
    ended = end_of(record)
    return Sighting(pod, record, read_at, None if ended is None else milliseconds(ended), record.outcome)


def _settled(known: Known | None, outcome: str) -> bool:
    return known is not None and known.ended is not None and known.outcome == outcome


def _is_news(sighting: Sighting, known: Known | None) -> bool:
    if known is None:
        return True
    if sighting.ended is not None:
        return known.ended is None or (known.outcome != sighting.outcome and sighting.outcome != UNKNOWN)
    if known.ended is not None:
        return True
    turns = sighting.record.turns
    # A call in which nothing happens is written once a minute.
    return minute_of(sighting.seen) > minute_of(known.seen) or bool(
        turns and milliseconds(turns[-1].at) > known.last_turn
    )


def _unseen(sighting: Sighting) -> Known:
    # A pod's clock may be ahead of ours, or far behind.
    oldest = sighting.seen - round(MOST_BACK.total_seconds() * 1000)
    started = max(oldest, min(milliseconds(sighting.record.started_at), sighting.seen))
    return Known(started, seen=started, ended=None, outcome="active", turns=0, last_turn=0)


def _after(before: Known, sighting: Sighting) -> Known:
    if sighting.ended is None:
        return replace(before, seen=max(before.seen, sighting.seen), ended=None, outcome=sighting.outcome)
    if before.ended is not None and sighting.outcome == UNKNOWN:
        return before
    ended = max(before.started, min(sighting.ended, sighting.seen))
    return replace(before, seen=max(before.seen, ended), ended=ended, outcome=sighting.outcome)


def _until(known: Known) -> int:
    return known.seen if known.ended is None else known.ended
