"""Where speech begins and ends in a stream of samples, by its energy over the noise around it.

Plain energy is enough for a sandbox, whose callers are recordings and microphones near a mouth; it costs
nothing, and every decision can be told from the signal. Times are seconds since the stream began.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .audio import RECOGNITION_RATE, Samples

FRAME_SECONDS = 0.02
_FRAME = int(RECOGNITION_RATE * FRAME_SECONDS)
_ONSET_FRAMES = 3
_QUIETEST_DB = -70.0
_SPEECH_FLOOR_DB = -48.0
_OVER_NOISE_DB = 9.0
_HOLD_DB = 4.0
_NOISE_RISE_DB = 0.03
_NOISE_FALL = 0.2
_CUT_SECONDS = 0.2


@dataclass(frozen=True)
class SpeechStarted:
    at: float


@dataclass(frozen=True)
class SpeechPaused:
    """Silence long enough that it may be the end; `at` is where the speech stopped."""

    at: float


@dataclass(frozen=True)
class SpeechEnded:
    at: float


Event = SpeechStarted | SpeechPaused | SpeechEnded


class Endpointer:
    """Fed with samples as they come; answers with what they showed."""

    def __init__(self, *, end_seconds: float, pause_seconds: float = 0.12) -> None:
        self._end_frames = max(2, round(end_seconds / FRAME_SECONDS))
        self._pause_frames = max(1, min(round(pause_seconds / FRAME_SECONDS), self._end_frames - 1))
        self._rest = np.zeros(0, np.float32)
        self._frames = 0
        self._noise_db = _QUIETEST_DB
        self._loud_run = 0
        self._silent_run = 0
        self._last_loud_end = 0.0
        self.speaking = False

    @property
    def last_speech_end(self) -> float:
        return self._last_loud_end

    @property
    def now(self) -> float:
        return self._frames * FRAME_SECONDS

    def feed(self, samples: Samples) -> list[Event]:
        samples = np.concatenate((self._rest, samples))
        count = len(samples) // _FRAME
        self._rest = samples[count * _FRAME :]
        frames = samples[: count * _FRAME].reshape(count, _FRAME)
        power = np.mean(np.square(frames), axis=1, dtype=np.float64)
        return [event for level in 10 * np.log10(power + 1e-12) for event in self._frame(float(level))]

    def end(self) -> list[Event]:
        """The stream is over, or is to be treated so: speech that goes on ends here."""
        if not self.speaking:
            return []
        self.speaking = False
        self._loud_run = 0
        return [SpeechEnded(self._last_loud_end)]

    def _frame(self, level_db: float) -> list[Event]:
        self._frames += 1
        threshold = max(_SPEECH_FLOOR_DB, self._noise_db + _OVER_NOISE_DB)
        loud = level_db > (threshold - _HOLD_DB if self.speaking else threshold)
        self._learn_noise(level_db)
        if loud:
            self._loud_run += 1
            self._silent_run = 0
            if self._loud_run >= _ONSET_FRAMES:
                self._last_loud_end = self.now
                if not self.speaking:
                    self.speaking = True
                    return [SpeechStarted(self.now - self._loud_run * FRAME_SECONDS)]
            return []
        self._loud_run = 0
        if not self.speaking:
            return []
        self._silent_run += 1
        if self._silent_run >= self._end_frames:
            self.speaking = False
            return [SpeechEnded(self._last_loud_end)]
        if self._silent_run == self._pause_frames:
            return [SpeechPaused(self._last_loud_end)]
        return []

    def _learn_noise(self, level_db: float) -> None:
        # Down quickly and up slowly: a voice is too short to be taken for noise, a fan is not.
        if level_db < self._noise_db:
            self._noise_db += _NOISE_FALL * (max(level_db, _QUIETEST_DB) - self._noise_db)
        else:
            self._noise_db = min(self._noise_db + _NOISE_RISE_DB, level_db)


def speech_spans(samples: Samples, *, longest_seconds: float) -> list[tuple[float, float]]:
    """The stretches of a recording that hold speech, those close together joined up to `longest_seconds`."""
    endpointer = Endpointer(end_seconds=0.5)
    total = len(samples) / RECOGNITION_RATE
    spans: list[tuple[float, float]] = []
    start = 0.0
    for event in [*endpointer.feed(samples), *endpointer.end()]:
        if isinstance(event, SpeechStarted):
            start = event.at
        elif isinstance(event, SpeechEnded):
            spans.append((start, event.at))
    joined: list[tuple[float, float]] = []
    for begin, end in spans:
        begin, end = max(0.0, begin - 0.3), min(total, end + 0.3)
        if joined and end - joined[-1][0] <= longest_seconds:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return [piece for begin, end in joined for piece in _pieces(samples, begin, end, longest_seconds)]


def _pieces(samples: Samples, begin: float, end: float, longest: float) -> list[tuple[float, float]]:
    """A stretch cut where it is quietest near its middle, until no piece is too long: a word cut in two, or a
    sentence without its end, has the model invent the rest."""
    if end - begin <= longest:
        return [(begin, end)]
    middle = _quietest(samples, begin + (end - begin) / 4, end - (end - begin) / 4)
    return [*_pieces(samples, begin, middle, longest), *_pieces(samples, middle, end, longest)]


def _quietest(samples: Samples, begin: float, end: float) -> float:
    """The middle of the quietest pause between two times; of several, that nearest to the middle."""
    part = samples[int(begin * RECOGNITION_RATE) : int(end * RECOGNITION_RATE)]
    frames = part[: len(part) // _FRAME * _FRAME].reshape(-1, _FRAME)
    window = round(_CUT_SECONDS / FRAME_SECONDS)
    power = np.convolve(np.mean(np.square(frames), axis=1, dtype=np.float64), np.ones(window) / window, mode="valid")
    level = np.round(10 * np.log10(power + 1e-7))
    from_middle = np.abs(np.arange(len(level)) - len(level) / 2)
    best = int(np.lexsort((from_middle, level))[0])
    return begin + (best + window / 2) * FRAME_SECONDS
