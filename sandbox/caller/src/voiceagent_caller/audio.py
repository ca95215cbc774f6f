"""Sound as numbers: clips of 16-bit mono samples, their loudness, and their form as wav files."""

from __future__ import annotations

import io
import math
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voiceagent_caller.errors import CallerMistake

Samples = NDArray[np.int16]

SAMPLE_RATE = 24_000
"""What the caller speaks and hears in: the rate of the speech server's raw output."""

_FULL_SCALE = 32_768.0
_SILENCE_DBFS = -120.0
_AUDIBLE_AMPLITUDE = round(0.01 * _FULL_SCALE)


@dataclass(frozen=True, eq=False)
class Clip:
    samples: Samples
    sample_rate: int = SAMPLE_RATE

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate


def level_dbfs(samples: Samples) -> float:
    """The loudness of a stretch of sound: root mean square against full scale, in decibels."""
    if not len(samples):
        return _SILENCE_DBFS
    exact = samples.astype(np.float64)
    power = float(np.dot(exact, exact)) / (len(samples) * _FULL_SCALE**2)
    return max(10.0 * math.log10(power), _SILENCE_DBFS) if power > 0 else _SILENCE_DBFS


def audible_length(samples: Samples) -> int:
    """How many samples there are up to and including the last one that can be heard; 0 for silence."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) >= _AUDIBLE_AMPLITUDE)
    return int(loud[-1]) + 1 if len(loud) else 0


def wav_bytes(clip: Clip) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(clip.sample_rate)
        file.writeframes(clip.samples.astype("<i2").tobytes())
    return buffer.getvalue()


def parse_wav(content: bytes) -> Clip:
    """The sound of a wav file, several channels mixed into one. Raises ValueError with a reason to show."""
    try:
        with wave.open(io.BytesIO(content), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            # Streamed wavs announce an absurd length: what is there is what counts.
            data = file.readframes(len(content))
    except (wave.Error, EOFError) as error:
        raise ValueError(f"it is not a PCM wav file ({error or 'it ends too early'})") from error
    if width != 2:
        raise ValueError(f"it has {8 * width}-bit samples; 16-bit ones are needed")
    samples = pcm_samples(data[: len(data) - len(data) % (2 * channels)])
    if channels > 1:
        samples = samples.reshape(-1, channels).mean(axis=1).astype(np.int16)
    return Clip(samples, rate)


def pcm_samples(data: bytes) -> Samples:
    """Raw little-endian 16-bit samples; half a sample at the end is dropped."""
    return np.frombuffer(data[: len(data) - len(data) % 2], dtype="<i2").astype(np.int16)


def read_wav(path: Path) -> Clip:
    """A recording to be said by the caller."""
    try:
        clip = parse_wav(path.read_bytes())
    except OSError as error:
        raise CallerMistake(f"The wav file {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise CallerMistake(f"The file {path} cannot be played: {error}.") from error
    if not audible_length(clip.samples):
        raise CallerMistake(f"There is no sound to be heard in {path}; give a recording of speech.")
    return clip
