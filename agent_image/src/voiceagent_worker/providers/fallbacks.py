"""Joins a provider and its fallbacks into one model: livekit-agents' adapters, each tried in order.

The adapters keep what they know of dead ones in a private list `_status`, with a field `available`, and every call
would find out anew. `set_available` tells them; `tests/unit/worker/test_fallbacks.py` fails when that list goes away.
They ask a dead one again by themselves, beside the call, and turn back to it once it answers.
"""

from collections.abc import Sequence
from typing import Any, Final

from livekit.agents import llm, stt, tts, vad

ATTEMPT_SECONDS: Final = 5.0
"""For a provider to say something before the next is asked; livekit-agents' own number for language models."""
RETRY_SECONDS: Final = 0.5

Adapter = stt.FallbackAdapter | llm.FallbackAdapter | tts.FallbackAdapter


def join_llm(models: Sequence[llm.LLM[Any]]) -> llm.FallbackAdapter:
    """Language models. What one has begun to say, another does not say again."""
    return llm.FallbackAdapter(
        list(models), attempt_timeout=ATTEMPT_SECONDS, max_retry_per_llm=0, retry_interval=RETRY_SECONDS
    )


def join_tts(models: Sequence[tts.TTS[Any]]) -> tts.FallbackAdapter:
    """Voices."""
    return tts.FallbackAdapter(list(models), max_retry_per_tts=0)


def join_stt(models: Sequence[stt.STT[Any]], voice_detection: vad.VAD) -> tuple[stt.STT[Any], stt.FallbackAdapter]:
    """Speech to text: the model to listen with, and the adapter within it.

    Where the first hears whole stretches of speech, so do all, if they can: what one did not understand is given to
    the next. Where it streams, so do all, and what was being said as one died is lost.
    """
    adapter = stt.FallbackAdapter(
        list(models),
        vad=voice_detection,
        attempt_timeout=ATTEMPT_SECONDS,
        max_retry_per_stt=0,
        retry_interval=RETRY_SECONDS,
    )
    whole = not models[0].capabilities.streaming and all(model.capabilities.offline_recognize for model in models)
    return (stt.StreamAdapter(stt=adapter, vad=voice_detection), adapter) if whole else (adapter, adapter)


def set_available(adapter: Adapter, place: int, available: bool) -> None:
    """Tell an adapter what is known of one of its models. Never that none is left: then it is to try them all."""
    statuses: list[Any] = list(adapter._status)
    others = any(status.available for number, status in enumerate(statuses) if number != place)
    statuses[place].available = available or not others


def heard_again(adapter: Adapter, place: int, change: stt.AvailabilityChangedEvent) -> bool:
    """Whether a change of an adapter of speech to text says that the model in this place understands again."""
    return isinstance(adapter, stt.FallbackAdapter) and change.available and adapter._stt_instances[place] is change.stt
