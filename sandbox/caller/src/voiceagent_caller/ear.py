"""What reaches the caller: the agent's audio, kept with the time at which each frame was heard."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import time
from collections.abc import Callable

import numpy as np
from livekit import rtc

from voiceagent_caller.audio import SAMPLE_RATE, Clip, Samples, level_dbfs
from voiceagent_caller.sound import Sound, SoundDetector

_FRAMES_PER_SECOND = 100
_FRAMES_AT_ONCE = 2
"""Each handing over costs many times what it takes to look at a frame, and calls are held many at once."""
_FRAME_SAMPLES = SAMPLE_RATE // _FRAMES_PER_SECOND
_QUEUED_FRAMES = 10 * _FRAMES_PER_SECOND
_KEPT_FRAMES = 1800 * _FRAMES_PER_SECOND
_CLOSE_TIMEOUT_SECONDS = 2.0


class Ear:
    """Listens to one track after another: an agent that is replaced is heard on."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._detector = SoundDetector()
        self._times: list[float] = []
        self._frames: list[Samples] = []

    @property
    def sounds(self) -> list[Sound]:
        return self._detector.sounds

    @property
    def quiet_seconds(self) -> float:
        """How much silence was heard since the last sound."""
        return self._detector.quiet_seconds

    async def listen(self, track: rtc.RemoteAudioTrack) -> None:
        """Hears a track to its end."""
        stream = rtc.AudioStream.from_track(
            track=track,
            sample_rate=SAMPLE_RATE,
            num_channels=1,
            frame_size_ms=1000 * _FRAMES_AT_ONCE // _FRAMES_PER_SECOND,
            capacity=_QUEUED_FRAMES,
        )
        try:
            async for event in stream:
                # Frames arrive when their last sample has been played.
                began_at = time.monotonic() - event.frame.duration
                self._hear(np.frombuffer(event.frame.data, dtype=np.int16), began_at)
                self._changed()
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
                    await stream.aclose()

    def recording(self, started_at: float, ended_at: float) -> Clip:
        """What was heard between two times."""
        first = bisect.bisect_left(self._times, started_at)
        last = bisect.bisect_right(self._times, ended_at)
        frames = self._frames[first:last]
        return Clip(np.concatenate(frames) if frames else np.zeros(0, dtype=np.int16))

    def _hear(self, samples: Samples, began_at: float) -> None:
        for begin in range(0, len(samples), _FRAME_SAMPLES):
            frame = samples[begin : begin + _FRAME_SAMPLES]
            started_at = began_at + begin / SAMPLE_RATE
            self._times.append(started_at)
            self._frames.append(frame)
            self._detector.push(started_at, len(frame) / SAMPLE_RATE, level_dbfs(frame))
        if len(self._frames) > _KEPT_FRAMES:
            del self._times[: _KEPT_FRAMES // 10], self._frames[: _KEPT_FRAMES // 10]
