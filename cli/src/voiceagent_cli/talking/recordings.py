"""Sound in wav files: what is played into a call, and what is kept of the answer."""

import array
import sys
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from voiceagent_cli.errors import CliError, Exit, invalid

MAX_SECONDS: Final = 600.0
"""The longest recording that is played: what is read is kept in memory."""
SAMPLE_BYTES: Final = 2
MIN_RATE: Final = 1000
"""With fewer samples a second there is no speech in it, if it is sound at all."""
AUDIBLE: Final = 327
"""The least amplitude that counts as sound: a hundredth of the loudest that 16 bits can say."""
MARGIN_SECONDS: Final = 0.2
"""What is left before the first and after the last sound."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Sound as 16-bit samples, those of all channels of a moment beside each other."""

    samples: bytes = field(repr=False)
    rate: int
    channels: int = 1

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / (SAMPLE_BYTES * self.channels * self.rate)


def read_recording(path: Path) -> Recording:
    """The sound of a wav file. Raises CliError."""
    try:
        # opened apart: what `wave` itself fails to open, it complains of once more as it is thrown away
        with path.open("rb") as raw, wave.open(raw, "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            if width != SAMPLE_BYTES:
                raise invalid(f"{path} has {8 * width}-bit samples. Give a wav file with 16-bit samples.")
            if rate < MIN_RATE:
                raise invalid(f"{path} has {rate} samples a second. Give a wav file with at least {MIN_RATE}.")
            samples = file.readframes(int(MAX_SECONDS * rate) + 1)
    except FileNotFoundError:
        raise CliError(f"There is no file {path}.", Exit.NOT_FOUND) from None
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror or error}.", Exit.NOT_FOUND) from None
    except (wave.Error, EOFError) as error:
        told = str(error) or "it ends too early"
        raise invalid(f"{path} is no wav file with PCM sound ({told}). Give one with 16-bit samples.") from None
    recording = Recording(samples[: len(samples) - len(samples) % (SAMPLE_BYTES * channels)], rate, channels)
    if recording.seconds > MAX_SECONDS:
        raise invalid(f"{path} is longer than {MAX_SECONDS:g} s. Give a shorter recording.")
    if _audible(recording) is None:
        raise invalid(f"There is nothing to be heard in {path}. Give a recording of speech.")
    return recording


def trimmed(recording: Recording) -> Recording | None:
    """Without the silence around it; None where there is nothing but silence."""
    found = _audible(recording)
    if found is None:
        return None
    first, last = found
    margin = int(MARGIN_SECONDS * recording.rate)
    step = SAMPLE_BYTES * recording.channels
    cut = slice(max(0, first - margin) * step, (last + 1 + margin) * step)
    return Recording(recording.samples[cut], recording.rate, recording.channels)


def write_recording(path: Path, recording: Recording) -> None:
    """A wav file. Raises CliError."""
    try:
        with path.open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(recording.channels)
            file.setsampwidth(SAMPLE_BYTES)
            file.setframerate(recording.rate)
            file.writeframes(recording.samples)
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror or error}.", Exit.NOT_FOUND) from None


def _audible(recording: Recording) -> tuple[int, int] | None:
    """The first and the last moment with sound, counted in samples of one channel."""
    samples = array.array("h", recording.samples)
    if sys.byteorder == "big":
        samples.byteswap()
    loud = [index for index, sample in enumerate(samples) if abs(sample) >= AUDIBLE]
    return (loud[0] // recording.channels, loud[-1] // recording.channels) if loud else None
