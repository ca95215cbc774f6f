"""Spoken samples in the form that a client asked for, piece by piece, so that the first can leave at once."""

from __future__ import annotations

import importlib
import struct
from typing import Protocol

import numpy as np

from .audio import Resampler, Samples, to_linear16, to_mulaw
from .errors import ApiError

MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_MP3_KILOBITS = 64


class Encoder(Protocol):
    content_type: str

    def encode(self, samples: Samples) -> bytes: ...
    def finish(self) -> bytes: ...


class RawEncoder:
    """Samples without any container."""

    def __init__(self, encoding: str, rate: int) -> None:
        self._pack = to_mulaw if encoding == "mulaw" else to_linear16
        self.content_type = "audio/mulaw" if encoding == "mulaw" else f"audio/l16;rate={rate};channels=1"

    def encode(self, samples: Samples) -> bytes:
        return self._pack(samples)

    def finish(self) -> bytes:
        return b""


class PcmEncoder(RawEncoder):
    """OpenAI's `pcm`: 24 kHz, 16 bits, little-endian, mono."""

    def __init__(self) -> None:
        super().__init__("linear16", 24000)
        self.content_type = "audio/pcm"


class WavEncoder:
    """A WAV whose length is left open, as it is not known when the first byte leaves."""

    content_type = "audio/wav"

    def __init__(self, rate: int) -> None:
        self._header = wav_header(rate)

    def encode(self, samples: Samples) -> bytes:
        header, self._header = self._header, b""
        return header + to_linear16(samples)

    def finish(self) -> bytes:
        return self._header


class Mp3Encoder:
    content_type = "audio/mpeg"

    def __init__(self, rate: int) -> None:
        # Imported where it is needed: the package has no types, and most streams don't use it.
        self._lame = importlib.import_module("lameenc").Encoder()
        self._lame.set_bit_rate(_MP3_KILOBITS)
        self._lame.set_in_sample_rate(rate)
        self._lame.set_channels(1)
        self._lame.set_quality(7)
        self._lame.silence()

    def encode(self, samples: Samples) -> bytes:
        return bytes(self._lame.encode(to_linear16(samples)))

    def finish(self) -> bytes:
        return bytes(self._lame.flush())


class RateEncoder:
    """Another encoder, fed from a voice of another rate."""

    def __init__(self, encoder: Encoder, voice_rate: int, rate: int) -> None:
        self._encoder = encoder
        self._resampler = Resampler(voice_rate, rate)
        self.content_type = encoder.content_type

    def encode(self, samples: Samples) -> bytes:
        return self._encoder.encode(self._resampler.feed(samples))

    def finish(self) -> bytes:
        tail = self._resampler.feed(np.zeros(0, np.float32), last=True)
        return self._encoder.encode(tail) + self._encoder.finish()


def wav_header(rate: int) -> bytes:
    layout = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
    return b"RIFF\xff\xff\xff\xffWAVEfmt " + layout + b"data\xff\xff\xff\xff"


def openai_encoder(response_format: str, voice_rate: int) -> Encoder:
    rate = 24000
    inner: Encoder
    if response_format == "pcm":
        inner = PcmEncoder()
    elif response_format == "wav":
        inner = WavEncoder(rate)
    elif response_format == "mp3":
        inner = Mp3Encoder(rate)
    else:
        raise ApiError(
            400,
            f"The sandbox does not make {response_format!r}; use 'mp3', 'wav' or 'pcm'.",
            param="response_format",
        )
    return RateEncoder(inner, voice_rate, rate)


def deepgram_encoder(encoding: str, container: str, rate: int, voice_rate: int) -> Encoder:
    inner: Encoder
    if encoding == "linear16" and container == "wav":
        inner = WavEncoder(rate)
    elif encoding in {"linear16", "mulaw"} and container in {"none", ""}:
        inner = RawEncoder(encoding, rate)
    elif encoding == "mp3" and rate in MP3_RATES:
        inner = Mp3Encoder(rate)
    else:
        raise ApiError(400, f"Unsupported audio format: encoding={encoding}, container={container}, {rate} Hz.")
    return RateEncoder(inner, voice_rate, rate)
