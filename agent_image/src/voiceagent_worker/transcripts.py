"""What is said in the pod's calls, held in memory for the gateway to fetch: only where the manifest asks for it.

Lines of an ended call stay for an hour, as its record does: whoever asks every few seconds misses none, also one who
begins anew. Nothing here reaches the disk, a log, a trace or a metric. Bounded by call and by pod; the oldest go first.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from voiceagent_api.transcripts import TranscriptLine, TranscriptLines

from voiceagent_worker.events import Event, LineSaid, SessionEnded, SessionLost, SessionStarted

KEEP_ENDED: Final = timedelta(hours=1)
SESSION_LINES: Final = 1000
SESSION_BYTES: Final = 256 * 1024
POD_BYTES: Final = 8 * 1024 * 1024
ANSWER_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class _Call:
    """The lines of one call, by position, and what they weigh as JSON."""

    room: str
    positions: deque[int] = field(default_factory=deque)
    bytes: int = 0
    said: int = 0
    ended_at: datetime | None = None


class HeldTranscripts:
    """What was said lately. `wanted` tells whether the manifest asks for it now; as soon as not, all is dropped."""

    def __init__(self, process: str, wanted: Callable[[], bool], clock: Callable[[], datetime]) -> None:
        self._process = process
        self._wanted = wanted
        self._clock = clock
        self._lines: dict[int, tuple[TranscriptLine, int]] = {}
        self._calls: dict[str, _Call] = {}
        self._bytes = 0
        self._position = 0
        self._fetched: int | None = None
        self.asked = asyncio.Event()
        """Set each time that somebody fetches."""

    @property
    def position(self) -> int:
        """That of the newest line that is held; 0 for none."""
        self._tidy()
        return self._position if self._lines else 0

    @property
    def fetched(self) -> bool:
        """Whether whoever fetches has all of it, or nobody does so."""
        return self._fetched is None or self._fetched >= self.position

    def handle(self, event: Event) -> None:
        """Take in what a call tells."""
        if isinstance(event, SessionStarted) and event.transcribed and self._wanted():
            self._calls.setdefault(event.session, _Call(event.room))
        elif isinstance(event, LineSaid):
            self._say(event)
        elif isinstance(event, SessionEnded | SessionLost) and (call := self._calls.get(event.session)):
            call.ended_at = self._clock()

    def after(self, position: int) -> TranscriptLines:
        """The lines after that position, as many as one answer holds; those up to it count as fetched."""
        self._tidy()
        self._fetched = max(self._fetched or 0, min(position, self._position))
        self.asked.set()
        found = []
        for line, size in reversed(self._lines.values()):
            if line.position <= position:
                break
            found.append((line, size))
        taken: list[TranscriptLine] = []
        room = ANSWER_BYTES
        for line, size in reversed(found):
            room -= size
            if room < 0:
                break
            taken.append(line)
        reached = taken[-1].position if taken else self._position
        return TranscriptLines(process=self._process, lines=taken, position=reached, more=len(taken) < len(found))

    def of(self, session: str, after: int = 0) -> TranscriptLines:
        """What is held of one call with a greater number than `after`: never more than one answer holds."""
        self._tidy()
        call = self._calls.get(session)
        held = [self._lines[position][0] for position in call.positions] if call else []
        return TranscriptLines(
            process=self._process,
            lines=[line for line in held if line.number > after],
            position=held[-1].position if held else 0,
            first=held[0].number if held else 0,
        )

    def erase(self, session: str) -> None:
        """Forget what was said in a call, and hold no more of it."""
        if call := self._calls.pop(session, None):
            self._drop(call)

    def obey(self) -> None:
        """The configuration changed."""
        if not self._wanted():
            self._lines.clear()
            self._calls.clear()
            self._bytes = 0

    def _say(self, event: LineSaid) -> None:
        # A call that ran when the manifest stopped asking is not held any more, whatever the manifest says since.
        call = self._calls.get(event.session)
        if call is None or not self._wanted():
            return
        self._position += 1
        call.said += 1
        line = TranscriptLine(
            position=self._position,
            session=event.session,
            room=call.room,
            number=call.said,
            at=event.at,
            who=event.who,
            language=event.language,
            text=event.text,
        )
        size = len(line.model_dump_json(by_alias=True).encode())
        self._lines[line.position] = line, size
        call.positions.append(line.position)
        call.bytes += size
        self._bytes += size
        while len(call.positions) > SESSION_LINES or call.bytes > SESSION_BYTES:
            self._drop_oldest(call)
        while self._bytes > POD_BYTES:
            oldest = next(iter(self._lines.values()))[0]
            self._drop_oldest(self._calls[oldest.session])

    def _tidy(self) -> None:
        old = self._clock() - KEEP_ENDED
        for session, call in list(self._calls.items()):
            if call.ended_at is not None and (call.ended_at <= old or not call.positions):
                self._drop(self._calls.pop(session))

    def _drop(self, call: _Call) -> None:
        while call.positions:
            self._drop_oldest(call)

    def _drop_oldest(self, call: _Call) -> None:
        _, size = self._lines.pop(call.positions.popleft())
        call.bytes -= size
        self._bytes -= size
