"""The calls of this pod: state = fold(events), and a small holder of that state.

Every session of the pod is one record here, made when its process says that it began, and ended exactly once: by
its own last word, or, where the process is gone without one, by what the main process concludes. Around this one
owner stand its limits (admission.py: how many; livekit_server.py: memory; entrypoint.py: time) and what is done
about the rooms of those that died (rescue.py); main.py wires them.

The fold is total: whatever arrives in whatever order leaves a sound state. Ended calls are kept for an hour:
whoever asks every few minutes misses none. Their number and that of their turns are bounded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from voiceagent_api.worker_status import SessionRecord

from voiceagent_worker.events import (
    Event,
    LineSaid,
    McpServerTried,
    ModelTimed,
    OwnMetrics,
    PluginAvailability,
    PluginReported,
    PluginsRan,
    PluginsStarted,
    ProviderAvailability,
    ProviderFailed,
    SessionEnded,
    SessionLost,
    SessionStarted,
    TurnCompleted,
    UsageReported,
    WordsSaid,
)
from voiceagent_worker.usage import merged_usage

KEEP_ENDED: Final = timedelta(hours=1)
MAX_ENDED: Final = 1000
MAX_TURNS: Final = 200
"""Of one call; the newest are kept."""
LOST_SENTENCE: Final = (
    "The session's process ended without a word: it was killed, ran out of memory or crashed. "
    "The pod's log and events say which."
)
MEMORY_SENTENCE: Final = (
    "The session's process used more memory than sessions.memoryLimit and was ended; other sessions go on. "
    "Raise the limit, or look for what grew in the pod's log."
)

Sessions = Mapping[str, SessionRecord]
"""By id, oldest first."""


def apply(sessions: Sessions, event: Event) -> Sessions:
    """The state after an event. Nonsense (an unknown call, a word after the end) changes nothing."""
    before = sessions.get(event.session)
    after = _started(event) if before is None else _changed(before, event)
    if after is None or after is before:
        return sessions
    return {**sessions, event.session: after}


def prune(sessions: Sessions, now: datetime, keep: timedelta = KEEP_ENDED) -> Sessions:
    """Without the ended calls that are too old or too many. Active calls always stay."""
    ended = [record for record in sessions.values() if record.ended_at is not None]
    ended.sort(key=lambda record: record.ended_at or now, reverse=True)
    kept = {record.id for record in ended[:MAX_ENDED] if record.ended_at and now - record.ended_at < keep}
    if len(kept) == len(ended):
        return sessions
    return {key: record for key, record in sessions.items() if record.ended_at is None or key in kept}


def active_count(sessions: Sessions) -> int:
    """How many calls are running."""
    return sum(1 for record in sessions.values() if record.ended_at is None)


def _started(event: Event) -> SessionRecord | None:
    if not isinstance(event, SessionStarted):
        return None
    return SessionRecord(
        id=event.session,
        room=event.room,
        started_at=event.at,
        config_revision=event.config_revision,
        transcribed=event.transcribed,
    )


def _changed(record: SessionRecord, event: Event) -> SessionRecord:
    if record.ended_at is not None:
        return record
    match event:
        case TurnCompleted():
            return record.model_copy(update={"turns": [*record.turns, event.turn][-MAX_TURNS:]})
        case WordsSaid():
            name = "caller_words" if event.who == "caller" else "agent_words"
            return record.model_copy(update={name: getattr(record, name) + event.words, "last_said_at": event.at})
        case UsageReported():
            totals = {name: max(getattr(record, name), getattr(event, name)) for name in USAGE_FIELDS}
            return record.model_copy(update={**totals, "models": merged_usage(record.models, event.models)})
        case SessionEnded():
            return _ended(record, event.at, event.outcome, event.error)
        case SessionLost():
            if event.memory_exceeded:
                return _ended(record, event.at, "memory_exceeded", MEMORY_SENTENCE)
            return _ended(record, event.at, "crashed", LOST_SENTENCE)
        case PluginsStarted():
            return record.model_copy(update={"plugins": event.plugins})
        case SessionStarted() | ModelTimed() | ProviderFailed() | ProviderAvailability():
            return record
        case PluginsRan() | PluginAvailability() | PluginReported() | OwnMetrics() | McpServerTried():
            return record
        case LineSaid():
            # never part of a record: that goes to the log, the status and the metrics' history
            return record


def _ended(record: SessionRecord, at: datetime, outcome: str, error: str | None) -> SessionRecord:
    # a clock that was set back must not give a call a negative length
    return record.model_copy(update={"ended_at": max(at, record.started_at), "outcome": outcome, "error": error})


USAGE_FIELDS: Final = ("llm_prompt_tokens", "llm_completion_tokens", "tts_characters", "stt_audio_seconds")


@dataclass(slots=True)
class SessionRegistry:
    """Holds the state and hands each change to who counts it."""

    clock: Callable[[], datetime]
    on_change: Callable[[Event, SessionRecord | None, SessionRecord | None], None]
    sessions: Sessions = field(default_factory=dict)
    keep_ended: timedelta = KEEP_ENDED

    def handle(self, event: Event) -> None:
        """Take in an event."""
        before = self.sessions.get(event.session)
        self.sessions = apply(self.sessions, event)
        after = self.sessions.get(event.session)
        self.sessions = prune(self.sessions, self.clock(), self.keep_ended)
        self.on_change(event, before, after)

    def records(self) -> list[SessionRecord]:
        """Active calls and those that ended within the hour, oldest first."""
        self.sessions = prune(self.sessions, self.clock(), self.keep_ended)
        return sorted(self.sessions.values(), key=lambda record: record.started_at)

    @property
    def active(self) -> int:
        """How many calls are running."""
        return active_count(self.sessions)
