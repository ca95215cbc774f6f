"""Who said what, as the agent writes it down: the text streams of a call, put together into segments.

The agent sends its own words as one stream a segment, growing as it speaks; the caller's words come as a new
stream for every guess, all with the same segment id, each holding the whole text so far. In both cases a
segment reads as its newest stream does.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from livekit import rtc

TOPIC = "lk.transcription"
_SEGMENT_ID = "lk.segment_id"
_FINAL = "lk.transcription_final"
_TRACK_ID = "lk.transcribed_track_id"

Speaker = Literal["agent", "caller"]


@dataclass
class Segment:
    id: str
    speaker: Speaker
    began_at: float
    text: str = ""
    final: bool = False
    stream_number: int = 0


class Transcripts:
    """The segments of a call in the order in which they began."""

    def __init__(self) -> None:
        self._segments: dict[str, Segment] = {}

    def begin_stream(self, segment_id: str, speaker: Speaker, number: int, now: float) -> None:
        segment = self._segments.setdefault(segment_id, Segment(segment_id, speaker, now))
        if number > segment.stream_number and not segment.final:
            segment.stream_number, segment.text = number, ""

    def write(self, segment_id: str, number: int, text: str) -> None:
        segment = self._segments[segment_id]
        if number == segment.stream_number:
            segment.text += text

    def end_stream(self, segment_id: str, number: int, *, final: bool) -> None:
        segment = self._segments[segment_id]
        if number == segment.stream_number:
            segment.final = segment.final or final

    def said_by(self, speaker: Speaker, since: float) -> str:
        """All that a speaker said in segments that began at or after a time, as one line."""
        texts = (
            segment.text.strip()
            for segment in self._segments.values()
            if segment.speaker == speaker and segment.began_at >= since
        )
        return " ".join(text for text in texts if text)

    def is_complete(self, speaker: Speaker, since: float) -> bool:
        """Whether something was said since then and all of it is final."""
        segments = [
            segment for segment in self._segments.values() if segment.speaker == speaker and segment.began_at >= since
        ]
        return bool(segments) and all(segment.final for segment in segments)


class TranscriptReader:
    """Reads a room's transcription streams into a Transcripts, each in a task that `close` ends."""

    def __init__(
        self, transcripts: Transcripts, is_caller: Callable[[str, str], bool], changed: Callable[[], None]
    ) -> None:
        """`is_caller` tells by identity and transcribed track whether a stream holds the caller's words."""
        self._transcripts = transcripts
        self._is_caller = is_caller
        self._changed = changed
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, room: rtc.Room) -> None:
        room.register_text_stream_handler(TOPIC, self._open)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _open(self, reader: rtc.TextStreamReader, identity: str) -> None:
        # Numbered here, in the order of arrival: the tasks may run in any order.
        task = asyncio.create_task(self._read(reader, identity, next(self._numbers), time.monotonic()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, reader: rtc.TextStreamReader, identity: str, number: int, now: float) -> None:
        attributes = reader.info.attributes or {}
        segment_id = attributes.get(_SEGMENT_ID) or reader.info.stream_id
        speaker: Speaker = "caller" if self._is_caller(identity, attributes.get(_TRACK_ID, "")) else "agent"
        self._transcripts.begin_stream(segment_id, speaker, number, now)
        try:
            async for chunk in reader:
                self._transcripts.write(segment_id, number, chunk)
                self._changed()
        except ConnectionError:
            return  # The stream was cut off with the call: what was read until then stands.
        finally:
            reader.close()
        final = (reader.info.attributes or {}).get(_FINAL) == "true"
        self._transcripts.end_stream(segment_id, number, final=final)
        self._changed()
