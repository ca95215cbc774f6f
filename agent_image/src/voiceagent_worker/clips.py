"""Sentences spoken beforehand, for when nobody can speak any more.

A clip is made once a pod, by the first call that can, and kept in the run folder by voice, language and words. What
stands in for one that could never be made is a tone.
"""

import asyncio
import hashlib
import logging
import math
import time
import wave
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from livekit import rtc
from livekit.agents import tts
from voiceagent_api.agent_config import ProviderConfig

logger = logging.getLogger(__name__)

MAKE_SECONDS: Final = 20.0
FRAME_SECONDS: Final = 0.02
TONE_RATE: Final = 24_000
TONE: Final = ((440.0, 0.22), (330.0, 0.34))
"""Pitches in hertz and lengths in seconds: falling, which is heard as something that did not work."""
TONE_LOUDNESS: Final = 0.18

Frames = Sequence[rtc.AudioFrame]


def tone() -> list[rtc.AudioFrame]:
    """Two soft falling notes."""
    samples = array("h")
    for pitch, seconds in TONE:
        count = int(TONE_RATE * seconds)
        for number in range(count):
            # in and out softly: a cut sine clicks
            loudness = TONE_LOUDNESS * math.sin(math.pi * number / count)
            samples.append(int(32767 * loudness * math.sin(2 * math.pi * pitch * number / TONE_RATE)))
    return cut(samples.tobytes(), TONE_RATE, 1)


def cut(sound: bytes, rate: int, channels: int) -> list[rtc.AudioFrame]:
    """16-bit sound as frames of 20 ms; the last is filled up with silence."""
    each = int(rate * FRAME_SECONDS)
    size = each * channels * 2
    pieces = (sound[start : start + size] for start in range(0, len(sound), size))
    return [rtc.AudioFrame(piece.ljust(size, b"\0"), rate, channels, each) for piece in pieces]


async def stream(frames: Frames) -> AsyncIterator[rtc.AudioFrame]:
    """The frames one by one, as an AgentSession takes them."""
    for frame in frames:
        yield frame


class ClipStore:
    """The clips of one voice."""

    def __init__(self, folder: Path, voice: ProviderConfig | None, language: str) -> None:
        """`voice` is None where nobody can be asked to speak a given sentence: then there are tones only."""
        self._folder = folder
        self._voice = voice
        self._language = language

    def get(self, text: str) -> list[rtc.AudioFrame]:
        """The clip, or the tone where it could not be made. Reads a file of some 100 KB."""
        with suppress(OSError, EOFError, wave.Error), wave.open(str(self._path(text)), "rb") as file:
            return cut(file.readframes(file.getnframes()), file.getframerate(), file.getnchannels())
        return tone()

    async def prepare(self, voice: tts.TTS[Any], texts: Sequence[str]) -> None:
        """Make the clips that are not there yet, unless another call of this pod is at it."""
        if self._voice is None:
            return
        for text in texts:
            path = self._path(text)
            if path.exists() or not await asyncio.to_thread(_reserve, path):
                continue
            try:
                async with asyncio.timeout(MAKE_SECONDS):
                    frames = await _speak(voice, text)
                await asyncio.to_thread(_write, path, frames)
            except Exception as error:
                # the tone stands in; the next call tries again
                logger.info("An apology could not be prepared: %s", type(error).__name__)
            finally:
                await asyncio.to_thread(_release, path)

    def _path(self, text: str) -> Path:
        said = "" if self._voice is None else self._voice.model_dump_json(exclude={"fallbacks", "credentials_path"})
        name = hashlib.sha256("\0".join((said, self._language, text)).encode()).hexdigest()[:20]
        return self._folder / f"{name}.wav"


async def _speak(voice: tts.TTS[Any], text: str) -> list[rtc.AudioFrame]:
    frames: list[rtc.AudioFrame] = []
    async with voice.synthesize(text) as spoken:
        async for piece in spoken:
            frames.append(piece.frame)
    if not frames:
        raise ValueError("no sound came")
    return frames


def _reserve(path: Path) -> bool:
    path.parent.mkdir(exist_ok=True)
    mark = path.with_suffix(".making")
    with suppress(FileNotFoundError):
        if time.time() - mark.stat().st_mtime > 2 * MAKE_SECONDS:
            mark.unlink()  # of a call that died at it
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _release(path: Path) -> None:
    path.with_suffix(".making").unlink(missing_ok=True)


def _write(path: Path, frames: Frames) -> None:
    """At once for every reader."""
    part = path.with_suffix(".part")
    with wave.open(str(part), "wb") as file:
        file.setnchannels(frames[0].num_channels)
        file.setsampwidth(2)
        file.setframerate(frames[0].sample_rate)
        for frame in frames:
            file.writeframes(frame.data.tobytes())
    part.replace(path)
