"""Deepgram's messages, built from plain values.

The model behind gives words without times or certainty, so a word's times are its share of the utterance by
its length, and the confidence is a constant: both are there because clients read them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from . import moonshine, tts

CONFIDENCE = 0.95
_MODEL_UUID = "5a6d3c1e-0000-4000-8000-000000000001"
_NOT_IN_A_PLAIN_WORD = re.compile(r"[^\w'\-]+")

Message = dict[str, Any]


def model_info() -> Message:
    return {"name": moonshine.MODEL_NAME, "version": "sandbox", "arch": "moonshine"}


def plain(text: str) -> str:
    """Text as it is where no punctuation was asked for."""
    return " ".join(word for word in (_plain_word(word) for word in text.split()) if word)


def words(text: str, start: float, end: float, *, punctuate: bool) -> list[Message]:
    """The words of an utterance with their estimated times."""
    written = text.split()
    lengths = [len(word) + 1 for word in written]
    total = sum(lengths) or 1
    out: list[Message] = []
    passed = 0
    for word, length in zip(written, lengths, strict=True):
        begin = start + (end - start) * passed / total
        passed += length
        entry: Message = {
            "word": _plain_word(word) or word.lower(),
            "start": round(begin, 3),
            "end": round(start + (end - start) * passed / total, 3),
            "confidence": CONFIDENCE,
        }
        if punctuate:
            entry["punctuated_word"] = word
        out.append(entry)
    return out


def alternative(text: str, start: float, end: float, *, punctuate: bool) -> Message:
    return {
        "transcript": text if punctuate else plain(text),
        "confidence": CONFIDENCE if text else 0.0,
        "words": words(text, start, end, punctuate=punctuate),
    }


def results(
    request_id: str,
    text: str,
    start: float,
    end: float,
    *,
    punctuate: bool,
    is_final: bool,
    speech_final: bool,
    from_finalize: bool = False,
) -> Message:
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": round(end - start, 3),
        "start": round(start, 3),
        "is_final": is_final,
        "speech_final": speech_final,
        "channel": {"alternatives": [alternative(text, start, end, punctuate=punctuate)]},
        "metadata": {"request_id": request_id, "model_info": model_info(), "model_uuid": _MODEL_UUID},
        "from_finalize": from_finalize,
    }


def speech_started(at: float) -> Message:
    return {"type": "SpeechStarted", "channel": [0], "timestamp": round(at, 3)}


def utterance_end(last_word_end: float) -> Message:
    return {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": round(last_word_end, 3)}


def listen_metadata(request_id: str, duration: float) -> Message:
    return {
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": request_id,
        "sha256": "",
        "created": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "duration": round(duration, 3),
        "channels": 1,
        "models": [_MODEL_UUID],
        "model_info": {_MODEL_UUID: model_info()},
    }


def prerecorded(
    request_id: str, passages: list[tuple[float, float, str]], duration: float, *, punctuate: bool
) -> Message:
    text = " ".join(passage for _, _, passage in passages)
    spoken = [word for start, end, t in passages for word in words(t, start, end, punctuate=punctuate)]
    transcript = text if punctuate else plain(text)
    heard: Message = {"transcript": transcript, "confidence": CONFIDENCE if text else 0.0, "words": spoken}
    metadata = listen_metadata(request_id, duration)
    del metadata["type"]
    return {
        "metadata": metadata,
        "results": {"channels": [{"alternatives": [heard], "detected_language": "en"}]},
    }


def speak_metadata(request_id: str) -> Message:
    return {
        "type": "Metadata",
        "request_id": request_id,
        "model_name": tts.MODEL_NAME,
        "model_version": "sandbox",
        "model_uuid": _MODEL_UUID,
    }


def flushed(sequence: int) -> Message:
    return {"type": "Flushed", "sequence_id": sequence}


def cleared(sequence: int) -> Message:
    return {"type": "Cleared", "sequence_id": sequence}


def warning(text: str, code: str) -> Message:
    return {"type": "Warning", "description": text, "warn_msg": text, "code": code, "warn_code": code}


def _plain_word(word: str) -> str:
    return _NOT_IN_A_PLAIN_WORD.sub("", word).lower()
