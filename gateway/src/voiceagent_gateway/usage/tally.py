"""Counts what calls use, each bit exactly once. Pure: a value in memory, which knows no clock and no disk.

Pods tell totals since each call's start, again and again. What is more than was counted before is new, and belongs to
the day (UTC) on which it was read, or on which the call ended if that is earlier. All amounts are whole numbers, so
that differences add up to the totals without an error.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from voiceagent_api.worker_status import ModelUsage, SessionRecord

from voiceagent_gateway.model import PodRef, as_utc

AMOUNT_MAX: Final = 10**12
"""More than any call can use: what a pod says beyond it is not believed."""
NAME_MAX: Final = 253
UNSEEN_FOR: Final = timedelta(hours=2)
"""A call that no pod has told of for so long is not told of again: pods tell of ended calls for an hour."""


@dataclass(frozen=True, slots=True)
class Quantities:
    """What was used."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    characters: int = 0
    """Spoken."""
    tts_milliseconds: int = 0
    """Of speech that was made."""
    stt_milliseconds: int = 0
    """Of speech that was written down."""

    # Field by field: this is done for every call of a fleet, every few seconds.
    def __add__(self, other: "Quantities") -> "Quantities":
        return Quantities(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.characters + other.characters,
            self.tts_milliseconds + other.tts_milliseconds,
            self.stt_milliseconds + other.stt_milliseconds,
        )

    def beyond(self, other: "Quantities") -> "Quantities":
        """How much more of each this is; nothing of what is less."""
        return Quantities(
            max(0, self.prompt_tokens - other.prompt_tokens),
            max(0, self.completion_tokens - other.completion_tokens),
            max(0, self.characters - other.characters),
            max(0, self.tts_milliseconds - other.tts_milliseconds),
            max(0, self.stt_milliseconds - other.stt_milliseconds),
        )

    def greater(self, other: "Quantities") -> "Quantities":
        """The greater amount of each."""
        return other + self.beyond(other)


NAMES: Final = tuple(field.name for field in fields(Quantities))
NOTHING: Final = Quantities()


class Line(NamedTuple):
    """What belongs together: a model that an agent used on one day."""

    day: str
    """In UTC, as 2026-01-31."""
    namespace: str
    agent: str
    provider: str
    model: str


class Counted(NamedTuple):
    """A model of one call, of which an amount is counted already."""

    pod: str
    """Its uid."""
    session: str
    provider: str
    model: str


class Changes(NamedTuple):
    """What is not kept yet, as it is now."""

    lines: Mapping[Line, Quantities]
    counted: Mapping[Counted, Quantities]
    over: Sequence[tuple[str, str]]
    """Calls that are not told of any more: pod's uid and session."""


@dataclass(slots=True)
class _Call:
    models: dict[tuple[str, str], Quantities]
    seen_at: datetime
    told: dict[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    """The pod's last words: what is repeated, as nearly all is, is passed over."""


def amounts(quantities: Quantities) -> tuple[int, int, int, int, int]:
    """All of them, in the order of NAMES."""
    return (
        quantities.prompt_tokens,
        quantities.completion_tokens,
        quantities.characters,
        quantities.tts_milliseconds,
        quantities.stt_milliseconds,
    )


def total(parts: Iterable[Quantities]) -> Quantities:
    """Their sum."""
    return sum(parts, NOTHING)


def day_of(moment: datetime) -> str:
    """The day in UTC."""
    return as_utc(moment).date().isoformat()


def day_before(day: str) -> str:
    """The day before a day."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def quantities_of(usage: ModelUsage) -> Quantities:
    """A pod's word, in whole and believable numbers."""
    return Quantities(
        min(usage.llm_prompt_tokens, AMOUNT_MAX),
        min(usage.llm_completion_tokens, AMOUNT_MAX),
        min(usage.tts_characters, AMOUNT_MAX),
        round(min(usage.tts_audio_seconds * 1000, AMOUNT_MAX)),
        round(min(usage.stt_audio_seconds * 1000, AMOUNT_MAX)),
    )


def _words(usage: ModelUsage) -> tuple[float, ...]:
    return (
        usage.llm_prompt_tokens,
        usage.llm_completion_tokens,
        usage.tts_characters,
        usage.tts_audio_seconds,
        usage.stt_audio_seconds,
    )


class Tally:
    """What was used today and the day before, and of which calls how much is counted in it."""

    def __init__(self, lines: Mapping[Line, Quantities], counted: Mapping[Counted, Quantities], now: datetime) -> None:
        """As they were kept."""
        self._lines = dict(lines)
        self._calls: dict[str, dict[str, _Call]] = {}
        for key, quantities in counted.items():
            call = self._calls.setdefault(key.pod, {}).setdefault(key.session, _Call({}, now))
            call.models[key.provider, key.model] = quantities
        self._first_day = day_before(day_of(now))
        self._changed_lines: set[Line] = set()
        self._changed_counted: set[Counted] = set()
        self._over: set[tuple[str, str]] = set()

    @property
    def lines(self) -> Mapping[Line, Quantities]:
        """Of today and the day before."""
        return self._lines

    def count(self, pod: PodRef, record: SessionRecord, now: datetime) -> list[tuple[Line, Quantities]]:
        """Take in what a pod tells of a call; returns what was new in it."""
        calls = self._calls.setdefault(pod.uid, {})
        call = calls.get(record.id)
        if call is None:
            call = calls[record.id] = _Call({}, now)
        call.seen_at = now
        found: list[tuple[Line, Quantities]] = []
        for usage in record.models:
            name, words = (usage.provider[:NAME_MAX], usage.model[:NAME_MAX]), _words(usage)
            if call.told.get(name) == words:
                continue
            call.told[name] = words
            told, known = quantities_of(usage), call.models.get(name, NOTHING)
            new = told.beyond(known)
            if new == NOTHING:
                continue
            call.models[name] = told.greater(known)
            self._changed_counted.add(Counted(pod.uid, record.id, *name))
            line = Line(self._day(record, now), pod.namespace, pod.agent, *name)
            self._lines[line] = self._lines.get(line, NOTHING) + new
            self._changed_lines.add(line)
            found.append((line, new))
        return found

    def saw(self, pod: str, now: datetime) -> None:
        """The pod of that uid is there, and may tell of all its calls again."""
        for call in self._calls.get(pod, {}).values():
            call.seen_at = now

    def forget(self, now: datetime) -> None:
        """Let go of days that are past, and of calls that nobody tells of any more."""
        self._first_day = max(self._first_day, day_before(day_of(now)))
        for line in [line for line in self._lines if line.day < self._first_day and line not in self._changed_lines]:
            del self._lines[line]
        for pod, calls in list(self._calls.items()):
            for session in [session for session, call in calls.items() if now - call.seen_at > UNSEEN_FOR]:
                self._over.add((pod, session))
                del calls[session]
            if not calls:
                del self._calls[pod]

    def changes(self) -> Changes:
        """What is to be kept; it counts as kept from now on."""
        counted = {key: amount for key in self._changed_counted if (amount := self._counted(key)) is not None}
        changes = Changes({line: self._lines[line] for line in self._changed_lines}, counted, tuple(self._over))
        self._changed_lines, self._changed_counted, self._over = set(), set(), set()
        return changes

    def put_back(self, changes: Changes) -> None:
        """They could not be kept."""
        self._changed_lines |= changes.lines.keys()
        self._changed_counted |= changes.counted.keys()
        self._over |= set(changes.over)

    def _counted(self, key: Counted) -> Quantities | None:
        """None for a call that was forgotten since."""
        call = self._calls.get(key.pod, {}).get(key.session)
        return None if call is None else call.models.get((key.provider, key.model))

    def _day(self, record: SessionRecord, now: datetime) -> str:
        ended = record.ended_at
        read = as_utc(now).astimezone(UTC)
        return max(self._first_day, day_of(read if ended is None else min(read, as_utc(ended))))
