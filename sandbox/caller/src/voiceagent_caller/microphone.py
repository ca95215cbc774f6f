"""The caller's microphone: always on, silent until there is something to say, and aware of when it was said.

Frames are handed to the SDK a little before they are due, so that a busy machine does not tear the speech.
The time at which a sample leaves is therefore reckoned from the length of the queue, not from the moment of
handing over.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import numpy as np
from livekit import rtc

from voiceagent_caller.audio import SAMPLE_RATE, Clip, Samples, audible_length

_FRAME_SAMPLES = SAMPLE_RATE // 25
_FRAME_SECONDS = _FRAME_SAMPLES / SAMPLE_RATE
_LEAD_SECONDS = 0.1
_PUSH_TIMEOUT_SECONDS = 5.0
_SILENCE: Samples = np.zeros(_FRAME_SAMPLES, dtype=np.int16)


@dataclass(frozen=True)
class Spoken:
    """When something was said, on the monotonic clock: from its first sample to its last audible one."""

    started_at: float
    ended_at: float


class _Utterance:
    """A clip on its way out."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.position = 0
        self.audible = audible_length(samples)
        self.started_at = 0.0
        self.ended_at = 0.0
        self.done: asyncio.Future[Spoken] = asyncio.get_running_loop().create_future()

    def next_frame(self, plays_at: float) -> Samples:
        if self.position == 0:
            self.started_at = plays_at
        begin, end = self.position, self.position + _FRAME_SAMPLES
        if begin < self.audible <= end:
            self.ended_at = plays_at + (self.audible - begin) / SAMPLE_RATE
        self.position = end
        frame = self.samples[begin:end]
        if end >= len(self.samples) and not self.done.done():
            self.done.set_result(Spoken(self.started_at, self.ended_at))
        return np.pad(frame, (0, _FRAME_SAMPLES - len(frame)))

    @property
    def finished(self) -> bool:
        return self.done.done()


class Microphone:
    def __init__(self) -> None:
        self._source = rtc.AudioSource(SAMPLE_RATE, 1)
        self.track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        self._utterance: _Utterance | None = None
        self._queued_until = 0.0

    async def run(self) -> None:
        """Sends sound in real time until cancelled."""
        while True:
            plays_at = max(self._queued_until, time.monotonic())
            frame = self._next_frame(plays_at)
            async with asyncio.timeout(_PUSH_TIMEOUT_SECONDS):
                await self._source.capture_frame(rtc.AudioFrame(frame.tobytes(), SAMPLE_RATE, 1, _FRAME_SAMPLES))
            self._queued_until = plays_at + _FRAME_SECONDS
            await asyncio.sleep(max(0.0, self._queued_until - _LEAD_SECONDS - time.monotonic()))

    async def say(self, clip: Clip) -> Spoken:
        """Sends a clip and returns when all of it is on its way. Only one thing is said at a time.

        Cancelling it makes the caller fall silent in the middle of the word.
        """
        if self._utterance is not None:
            raise RuntimeError("The caller is speaking already: await the first say() before the next.")
        utterance = _Utterance(_at_microphone_rate(clip))
        if not utterance.audible:
            raise ValueError("There is no sound to be heard in what the caller was given to say.")
        self._utterance = utterance
        try:
            return await utterance.done
        finally:
            self._utterance = None

    async def close(self) -> None:
        await self._source.aclose()

    def _next_frame(self, plays_at: float) -> Samples:
        if self._utterance is None or self._utterance.finished:
            return _SILENCE
        return self._utterance.next_frame(plays_at)


def _at_microphone_rate(clip: Clip) -> Samples:
    if clip.sample_rate == SAMPLE_RATE:
        return clip.samples
    resampler = rtc.AudioResampler(clip.sample_rate, SAMPLE_RATE, quality=rtc.AudioResamplerQuality.HIGH)
    frame = rtc.AudioFrame(clip.samples.tobytes(), clip.sample_rate, 1, len(clip.samples))
    parts = [np.frombuffer(part.data, dtype=np.int16) for part in [*resampler.push(frame), *resampler.flush()]]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)
