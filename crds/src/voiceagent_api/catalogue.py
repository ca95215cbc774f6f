"""Which providers and plugins there are: pure data that the operator checks and the worker builds from."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ProviderKind = Literal["stt", "llm", "tts", "realtime"]


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """A provider of one kind.

    `factory` is "module:function" inside the worker image; it is imported only when a session needs it.
    """

    name: str
    kind: ProviderKind
    credential_key: str
    default_model: str
    factory: str


CATALOGUE: tuple[ProviderEntry, ...] = (
    ProviderEntry("openai", "stt", "OPENAI_API_KEY", "whisper-1", "voiceagent_worker.providers.openai:build_stt"),
    ProviderEntry("openai", "llm", "OPENAI_API_KEY", "gpt-4o-mini", "voiceagent_worker.providers.openai:build_llm"),
    ProviderEntry("openai", "tts", "OPENAI_API_KEY", "tts-1", "voiceagent_worker.providers.openai:build_tts"),
    ProviderEntry("deepgram", "stt", "DEEPGRAM_API_KEY", "nova-3", "voiceagent_worker.providers.deepgram:build_stt"),
    ProviderEntry(
        "deepgram", "tts", "DEEPGRAM_API_KEY", "aura-2-andromeda-en", "voiceagent_worker.providers.deepgram:build_tts"
    ),
)


def find_provider(kind: ProviderKind, name: str) -> ProviderEntry | None:
    """The catalogue's entry of that kind and name, or None."""
    return next((entry for entry in CATALOGUE if entry.kind == kind and entry.name == name), None)


def unknown_provider_sentence(kind: ProviderKind, name: str, field: str = "") -> str:
    """What to tell a user who asked for a provider that there is not: the nearest name and the whole list.

    `field` is the path of the field within the spec's providers; by default the kind's own.
    """
    known = [entry.name for entry in CATALOGUE if entry.kind == kind]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    field = field or kind
    named = ", ".join(known) or "none in this version"
    return f'spec.providers.{field}.provider "{name}" is not known.{hint} Known {kind} providers: {named}.'


@dataclass(frozen=True, slots=True)
class PluginEntry:
    """A plugin of the worker image. `factory` is "module:class" there, imported only when an agent uses it."""

    name: str
    factory: str


PLUGINS: tuple[PluginEntry, ...] = (
    PluginEntry("conversation_memory", "voiceagent_worker.plugins.conversation_memory:ConversationMemory"),
    PluginEntry("example", "voiceagent_worker.plugins.example:Example"),
    PluginEntry("profanity_filter", "voiceagent_worker.plugins.profanity_filter:ProfanityFilter"),
    PluginEntry("sentiment_analysis", "voiceagent_worker.plugins.sentiment_analysis:SentimentAnalysis"),
)
"""The plugins that the worker image of this release has; other images may have more, by entry points."""
PLUGIN_ENTRY_POINTS = "voiceagent.plugins"
"""The group of Python entry points by which a package in the worker image adds plugins."""


def find_plugin(name: str) -> PluginEntry | None:
    """The catalogue's plugin of that name, or None."""
    return next((entry for entry in PLUGINS if entry.name == name), None)


def unknown_plugin_sentence(name: str, also_known: Sequence[str] = ()) -> str | None:
    """What to tell a user who asked for a plugin that the image does not have; None where it has it.

    `also_known` are those that the image has besides this release's own.
    """
    known = sorted({entry.name for entry in PLUGINS} | set(also_known))
    if name in known:
        return None
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    return f'spec.plugins "{name}" is not known to the worker image.{hint} Known plugins: {", ".join(known)}.'
