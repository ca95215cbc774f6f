"""What a client asks for in the query of Deepgram's routes.

What the model behind cannot do (keyterms, redaction, other languages, diarization) is accepted and has no
effect, so that a client configured for the vendor runs unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .audio import RAW_DECODERS
from .errors import ApiError

SPEAK_RATES = (8000, 16000, 22050, 24000, 32000, 48000)


@dataclass(frozen=True)
class ListenOptions:
    model: str
    encoding: str
    sample_rate: int
    channels: int
    interim_results: bool
    punctuate: bool
    vad_events: bool
    endpointing_seconds: float | None
    """None where endpointing was turned off: results then come at pauses, without `speech_final`."""
    utterance_end_seconds: float | None


@dataclass(frozen=True)
class SpeakOptions:
    model: str
    encoding: str
    container: str
    sample_rate: int
    speed: float


def listen_options(query: Mapping[str, str], *, min_endpointing_milliseconds: int) -> ListenOptions:
    encoding = query.get("encoding", "linear16")
    if encoding not in RAW_DECODERS:
        raise ApiError(400, f"Unsupported encoding {encoding!r}; the sandbox hears linear16 and mulaw.")
    utterance_end = query.get("utterance_end_ms")
    return ListenOptions(
        model=query.get("model", "general"),
        encoding=encoding,
        sample_rate=_integer(query, "sample_rate", 16000, least=4000, most=192000),
        channels=_integer(query, "channels", 1, least=1, most=8),
        interim_results=_flag(query, "interim_results"),
        punctuate=_flag(query, "punctuate") or _flag(query, "smart_format"),
        vad_events=_flag(query, "vad_events"),
        endpointing_seconds=_endpointing(query.get("endpointing", ""), min_endpointing_milliseconds),
        utterance_end_seconds=(
            _integer(query, "utterance_end_ms", 1000, least=1, most=60000) / 1000 if utterance_end else None
        ),
    )


def speak_options(query: Mapping[str, str], *, stream: bool) -> SpeakOptions:
    encoding = query.get("encoding", "linear16" if stream else "mp3")
    rate = _integer(query, "sample_rate", 24000, least=8000, most=48000)
    if rate not in SPEAK_RATES:
        raise ApiError(400, f"Unsupported sample_rate {rate}; use one of {SPEAK_RATES}.")
    if stream and encoding not in RAW_DECODERS:
        raise ApiError(400, f"Unsupported encoding {encoding!r} on a stream; use linear16 or mulaw.")
    speed = query.get("speed", "1")
    try:
        value = float(speed)
    except ValueError:
        value = 0.0
    if not 0.7 <= value <= 1.5:
        raise ApiError(400, f"speed is {speed!r}; it must be between 0.7 and 1.5.")
    default_container = "wav" if encoding == "linear16" and not stream else "none"
    return SpeakOptions(
        model=query.get("model", "aura-asteria-en"),
        encoding=encoding,
        container=query.get("container", default_container),
        sample_rate=rate,
        speed=value,
    )


def _endpointing(text: str, least_milliseconds: int) -> float | None:
    # The vendor's default is 10 ms, on a model that knows when a word is over. Plain energy does not: below
    # its least the pause inside a word would end the utterance.
    if text in {"", "true"}:
        return least_milliseconds / 1000
    if text == "false":
        return None
    if not text.isdecimal():
        raise ApiError(400, f"endpointing is {text!r}; give milliseconds or false.")
    return max(least_milliseconds, int(text)) / 1000


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "false").lower() == "true"


def _integer(query: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ApiError(400, f"{name} is {text!r}; give a whole number from {least} to {most}.")
    return int(text)
