"""Sound as arrays: reading WAV and raw samples, and changing the rate.

Inside the server sound is always mono float32 in [-1, 1]; `RECOGNITION_RATE` is what the recognizer hears.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import ApiError

_soxr: Any = importlib.import_module("soxr")  # it carries no types

Samples = npt.NDArray[np.float32]

RECOGNITION_RATE = 16000

_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE


def read_wav(data: bytes) -> tuple[Samples, int]:
    """The mono samples and the rate of a WAV file.

    Written out because the standard library's reader refuses floats, and the sizes that a live encoder leaves
    open (0 or 0xFFFFFFFF): the data chunk then goes to the end of the file.
    """
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ApiError(400, "Invalid file format. Supported formats: ['wav']", param="file")
    layout: tuple[int, int, int, int] | None = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        body = at + 8
        if name == b"fmt " and body + 16 <= len(data):
            code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data, body)
            if code == _EXTENSIBLE and size >= 26 and body + 26 <= len(data):
                code = struct.unpack_from("<H", data, body + 24)[0]
            layout = (code, channels, rate, bits)
        elif name == b"data" and layout is not None:
            code, channels, rate, bits = layout
            if not 1 <= channels <= 8 or not 4000 <= rate <= 192000:
                raise ApiError(400, "The WAV file's rate or number of channels cannot be used.", param="file")
            chunk = data[body:] if size in (0, 0xFFFFFFFF) else data[body : body + size]
            return mix_down(_decode(chunk, code, bits), channels), rate
        at = body + size + (size & 1)
    raise ApiError(400, "The WAV file has no sound in it that can be read.", param="file")


def _decode(chunk: bytes, code: int, bits: int) -> Samples:
    whole = chunk[: len(chunk) - len(chunk) % max(1, bits // 8)]
    if code == _PCM and bits == 16:
        return from_linear16(whole)
    if code == _PCM and bits == 8:
        return _float32((np.frombuffer(whole, np.uint8).astype(np.float32) - 128) / 128)
    if code == _PCM and bits == 24:
        triples = np.frombuffer(whole, np.uint8).reshape(-1, 3).astype(np.int32)
        value = (triples[:, 0] << 8) | (triples[:, 1] << 16) | (triples[:, 2] << 24)
        return _float32(value.astype(np.float64) / 2147483648)
    if code == _PCM and bits == 32:
        return _float32(np.frombuffer(whole, "<i4").astype(np.float64) / 2147483648)
    if code == _FLOAT and bits == 32:
        return _float32(np.nan_to_num(np.clip(np.frombuffer(whole, "<f4"), -1, 1)))
    if code == _MULAW:
        return from_mulaw(whole)
    raise ApiError(400, f"WAV samples of {bits} bits in format {code} are not supported.", param="file")


def from_linear16(data: bytes) -> Samples:
    return _float32(np.frombuffer(data[: len(data) & ~1], "<i2").astype(np.float32) / 32768)


def to_linear16(samples: Samples) -> bytes:
    return np.rint(np.clip(samples, -1, 32767 / 32768) * 32768).astype("<i2").tobytes()


def mix_down(samples: Samples, channels: int) -> Samples:
    """Interleaved channels as one, by their mean; an incomplete last frame is left out."""
    if channels == 1:
        return samples
    frames = samples[: len(samples) - len(samples) % channels].reshape(-1, channels)
    return _float32(frames.mean(axis=1, dtype=np.float32))


def _float32(values: npt.ArrayLike) -> Samples:
    return np.asarray(values, dtype=np.float32)


def from_mulaw(data: bytes) -> Samples:
    return _MULAW_TABLE[np.frombuffer(data, np.uint8)]


def to_mulaw(samples: Samples) -> bytes:
    value = np.frombuffer(to_linear16(samples), "<i2").astype(np.int32)
    sign = np.where(value < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(value), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    code: npt.NDArray[np.int32] = ~(sign | (exponent << 4) | mantissa) & 0xFF
    return code.astype(np.uint8).tobytes()


def _mulaw_table() -> Samples:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 132) << ((code >> 4) & 0x07)
    value = np.where(code & 0x80, 132 - magnitude, magnitude - 132)
    return _float32(value / 32768)


_MULAW_TABLE = _mulaw_table()

# How raw samples arrive on a stream, by the name that Deepgram gives the encoding.
RAW_DECODERS: dict[str, Callable[[bytes], Samples]] = {"linear16": from_linear16, "mulaw": from_mulaw}


class Resampler:
    """Changes the rate of a stream of samples, keeping what the filter still holds between its pieces."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._stream = None if from_rate == to_rate else _soxr.ResampleStream(from_rate, to_rate, 1, "float32")

    def feed(self, samples: Samples, *, last: bool = False) -> Samples:
        if self._stream is None:
            return samples
        return np.asarray(self._stream.resample_chunk(samples, last=last), dtype=np.float32)


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    return Resampler(from_rate, to_rate).feed(samples, last=True)


class Tape:
    """The part of a stream that may still be needed, addressed by its sample numbers."""

    def __init__(self) -> None:
        self._pieces: list[Samples] = []
        self._start = 0
        self.end = 0

    def append(self, samples: Samples) -> None:
        if len(samples):
            self._pieces.append(samples)
            self.end += len(samples)

    def forget_before(self, sample: int) -> None:
        while self._pieces and self._start + len(self._pieces[0]) <= sample:
            self._start += len(self._pieces.pop(0))

    def cut(self, start: int, end: int) -> Samples:
        """What is held of [start, end)."""
        start = max(start, self._start)
        if not self._pieces or end <= start:
            return np.zeros(0, np.float32)
        return np.concatenate(self._pieces)[start - self._start : end - self._start]
