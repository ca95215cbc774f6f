"""What calls use of each model. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from livekit.agents.metrics import LLMModelUsage, STTModelUsage, TTSModelUsage
from voiceagent_api.agent_config import AgentConfig
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.worker_status import ModelUsage

MAX_MODELS: Final = 32
"""Of one call: each provider and fallback that an agent may have, and some."""
FIELDS: Final = (
    "llm_prompt_tokens",
    "llm_completion_tokens",
    "tts_characters",
    "tts_audio_seconds",
    "stt_audio_seconds",
)


def usage_by_model(config: AgentConfig, used: Iterable[object]) -> list[ModelUsage]:
    """livekit-agents' usage of a session, with providers named as the agent's spec does.

    The plugins give some providers the name of a host; whose model it is tells which one is meant.
    """
    found: list[ModelUsage] = []
    for one in used:
        match one:
            case LLMModelUsage():
                kind: ProviderKind = "realtime" if config.providers.realtime is not None else "llm"
                provider, model = _named(config, kind, one.provider, one.model)
                found.append(
                    ModelUsage(
                        provider=provider,
                        model=model,
                        llm_prompt_tokens=one.input_tokens,
                        llm_completion_tokens=one.output_tokens,
                    )
                )
            case TTSModelUsage():
                provider, model = _named(config, "tts", one.provider, one.model)
                found.append(
                    ModelUsage(
                        provider=provider,
                        model=model,
                        tts_characters=one.characters_count,
                        tts_audio_seconds=one.audio_duration,
                    )
                )
            case STTModelUsage():
                provider, model = _named(config, "stt", one.provider, one.model)
                found.append(ModelUsage(provider=provider, model=model, stt_audio_seconds=one.audio_duration))
    # one model of the spec may have several names at its provider: what they used is used by it
    return _combined((), found, lambda one, other: one + other)


def merged_usage(before: Sequence[ModelUsage], after: Sequence[ModelUsage]) -> list[ModelUsage]:
    """Of two snapshots of a call the greater of each total: they never shrink, in whatever order they come."""
    return _combined(before, after, max)


def _combined(
    known: Sequence[ModelUsage], more: Iterable[ModelUsage], combine: Callable[[float, float], float]
) -> list[ModelUsage]:
    """One entry a model, its numbers combined; at most MAX_MODELS."""
    combined = {(one.provider, one.model): one for one in known}
    for one in more:
        key = (one.provider, one.model)
        other = combined.get(key)
        if other is not None:
            numbers: dict[str, Any] = {name: combine(getattr(other, name), getattr(one, name)) for name in FIELDS}
            combined[key] = replace(other, **numbers)
        elif len(combined) < MAX_MODELS:
            combined[key] = one
    return list(combined.values())


def _named(config: AgentConfig, kind: ProviderKind, provider: str, model: str) -> tuple[str, str]:
    configured = getattr(config.providers, kind)
    if configured is None:
        return provider, model
    candidates = (configured, *configured.fallbacks)
    match = next((one for one in candidates if one.model == model), None)
    if match is not None:
        return match.provider, match.model
    # a voice that is a model, or a name that the provider spells in its own way
    named = next((one for one in candidates if one.provider == provider), configured)
    return named.provider, named.model
