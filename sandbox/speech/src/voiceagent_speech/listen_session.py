"""One streaming recognition: samples in, interim and final results out.

Two things go on side by side. `feed` takes samples as they come, finds where speech begins and ends, and
never waits for the model. `run` has the model transcribe: ended utterances first, each answered by a final
result; then, while speech goes on, what has been said so far. Interims are bounded: one at a time, only when
the model is free, spaced by the sound that has passed and by twice the time that the last one took.

A short pause starts a transcription too. If it turns out to have been the end, that draft is the final
result, which is then there as soon as the silence is long enough.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from . import deepgram_messages as messages
from .audio import RAW_DECODERS, RECOGNITION_RATE, Resampler, Samples, Tape, mix_down
from .deepgram_options import ListenOptions
from .endpointing import Endpointer, SpeechEnded, SpeechPaused, SpeechStarted

PREROLL_SECONDS = 0.3
TAIL_SECONDS = 0.2
# From here on a segment is ended at the first pause, and at the second length without one.
_LONG_SECONDS, _LONGEST_SECONDS = 10.0, 15.0
_UNENDED_PAUSE_SECONDS = 0.8
_WAITING_FINALS = 16

Transcribe = Callable[[Samples], Awaitable[str]]
Send = Callable[[messages.Message], Awaitable[None]]


@dataclass
class _Segment:
    """Speech that has begun; `draft` is what it said up to `draft_end`."""

    start: float
    draft: str = ""
    draft_end: float = -1.0
    interim_at: float = 0.0
    paused: bool = False


@dataclass(frozen=True)
class _Final:
    segment: _Segment
    samples: Samples
    end: float
    speech_final: bool
    from_finalize: bool


@dataclass(frozen=True)
class FinalResult:
    """Told to the owner for its journal: what was heard, and how long after the speech it was known."""

    text: str
    start: float
    end: float
    seconds: float


class ListenSession:
    def __init__(
        self,
        options: ListenOptions,
        request_id: str,
        *,
        transcribe: Transcribe,
        model_is_free: Callable[[], bool],
        send: Send,
        begin_utterance: Callable[[], Awaitable[None]],
        on_final: Callable[[FinalResult], None],
        interim_seconds: float,
    ) -> None:
        self._options = options
        self._request_id = request_id
        self._transcribe, self._model_is_free = transcribe, model_is_free
        self._send, self._begin_utterance, self._on_final = send, begin_utterance, on_final
        self._interim_seconds = interim_seconds
        self._resampler = Resampler(options.sample_rate, RECOGNITION_RATE)
        self._endpointer = Endpointer(end_seconds=options.endpointing_seconds or _UNENDED_PAUSE_SECONDS)
        self._tape = Tape()
        self._segment: _Segment | None = None
        self._finals: deque[_Final] = deque()
        self._room = asyncio.Semaphore(_WAITING_FINALS)
        self._work = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._next_interim = 0.0
        self._utterance_end_due: float | None = None

    @property
    def duration(self) -> float:
        return self._tape.end / RECOGNITION_RATE

    async def feed(self, data: bytes) -> None:
        decoded = mix_down(RAW_DECODERS[self._options.encoding](data), self._options.channels)
        samples = self._resampler.feed(decoded)
        self._tape.append(samples)
        for event in self._endpointer.feed(samples):
            if isinstance(event, SpeechStarted):
                await self._start(event.at)
            elif isinstance(event, SpeechPaused):
                await self._pause(event.at)
            elif isinstance(event, SpeechEnded):
                await self._end(event.at, speech_final=self._options.endpointing_seconds is not None)
        if self._segment is None:
            self._tape.forget_before(self._tape.end - RECOGNITION_RATE)
            await self._maybe_utterance_end()
        elif self.duration - self._segment.start > _LONGEST_SECONDS:
            await self._split(self.duration)
        elif self._interim_is_due(self._segment):
            self._work.set()

    async def finalize(self) -> None:
        """Answer what has been said so far as if it had ended here, and wait until that is sent."""
        self._endpointer.end()
        await self._end(self._endpointer.last_speech_end, speech_final=True, from_finalize=True)
        await self._settled.wait()

    async def run(self) -> None:
        """Transcribe for as long as the session lives; its owner cancels it."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._finals:
                try:
                    await self._finish(self._finals[0])
                finally:
                    self._finals.popleft()
                    self._room.release()
            self._settled.set()
            segment = self._segment
            if segment is not None and self._interim_is_due(segment):
                await self._interim(segment)

    async def _start(self, at: float) -> None:
        await self._begin_utterance()
        start = max(0.0, at - PREROLL_SECONDS)
        self._segment = _Segment(start, interim_at=at)
        self._utterance_end_due = None
        if self._options.vad_events:
            await self._send(messages.speech_started(at))

    async def _pause(self, at: float) -> None:
        if self._segment is None:
            return
        if at - self._segment.start > _LONG_SECONDS:
            await self._split(at + TAIL_SECONDS / 2)
            return
        self._segment.paused = True
        self._work.set()

    async def _split(self, at: float) -> None:
        """End a segment while its speaker goes on: a final result that is not the speech's last."""
        await self._end(at, speech_final=False)
        self._segment = _Segment(at, interim_at=at)

    async def _end(self, at: float, *, speech_final: bool, from_finalize: bool = False) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        await self._room.acquire()
        self._settled.clear()
        samples = self._cut(segment.start, at + TAIL_SECONDS)
        self._finals.append(_Final(segment, samples, at, speech_final, from_finalize))
        self._work.set()
        if speech_final and self._options.utterance_end_seconds is not None:
            self._utterance_end_due = at + self._options.utterance_end_seconds

    async def _finish(self, final: _Final) -> None:
        began = time.monotonic()
        segment = final.segment
        if segment.draft_end < final.end:
            segment.draft = await self._transcribe(final.samples)
        await self._send_results(segment.start, final.end, segment.draft, final)
        self._on_final(FinalResult(segment.draft, segment.start, final.end, time.monotonic() - began))

    async def _interim(self, segment: _Segment) -> None:
        segment.paused = False
        began, now, spoken = time.monotonic(), self.duration, self._endpointer.last_speech_end
        segment.interim_at = now
        text = await self._transcribe(self._cut(segment.start, now))
        took = time.monotonic() - began
        self._next_interim = time.monotonic() + 2 * took
        changed, segment.draft, segment.draft_end = text != segment.draft, text, spoken
        if changed and text and self._options.interim_results and self._segment is segment:
            await self._send_results(segment.start, now, text, None)

    def _interim_is_due(self, segment: _Segment) -> bool:
        if not self._model_is_free():
            return False
        if segment.paused:
            return segment.draft_end < self._endpointer.last_speech_end
        return (
            self._options.interim_results
            and self.duration - segment.interim_at >= self._interim_seconds
            and time.monotonic() >= self._next_interim
        )

    async def _maybe_utterance_end(self) -> None:
        due = self._utterance_end_due
        if due is not None and self.duration >= due and self._settled.is_set():
            self._utterance_end_due = None
            await self._send(messages.utterance_end(due - (self._options.utterance_end_seconds or 0)))

    def _cut(self, start: float, end: float) -> Samples:
        return self._tape.cut(int(start * RECOGNITION_RATE), int(end * RECOGNITION_RATE))

    async def _send_results(self, start: float, end: float, text: str, final: _Final | None) -> None:
        await self._send(
            messages.results(
                self._request_id,
                text,
                start,
                end,
                punctuate=self._options.punctuate,
                is_final=final is not None,
                speech_final=final is not None and final.speech_final,
                from_finalize=final is not None and final.from_finalize,
            )
        )
