"""The environment variables of the single-machine system that this one grew from, as values of an agent's config file.

A worker reads them over its file, and the command line makes a manifest of them. An empty variable counts as not set.
Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from voiceagent_api.catalogue import ProviderKind, find_provider
from voiceagent_api.names import ENV_CALL_METRICS

DEFAULTS: Final[Mapping[str, Any]] = {
    "instructions": "You are a helpful voice assistant. Answer in one or two short, plain sentences.",
    "providers": {
        "stt": {"provider": "openai", "model": "whisper-1"},
        "llm": {"provider": "openai", "model": "gpt-4o-mini"},
        "tts": {"provider": "openai", "model": "tts-1", "voice": "alloy"},
    },
}
"""The agent of which no variable says anything; LiveKit's address has no default."""

PLAIN: Final[dict[str, tuple[str, ...]]] = {
    "LIVEKIT_URL": ("livekitURL",),
    "AGENT_INSTRUCTIONS": ("instructions",),
    ENV_CALL_METRICS: ("metricsEnabled",),
    "ENABLE_METRICS": ("metricsEnabled",),
    "METRICS_RETENTION_HOURS": ("metricsRetentionHours",),
}
"""Whose text is the value; of two for one value the later wins."""
KINDS: Final[tuple[ProviderKind, ...]] = ("stt", "llm", "tts")
TRUE: Final = frozenset({"1", "true", "yes", "on"})
LEVELS: Final = {"WARN": "WARNING", "CRITICAL": "ERROR", "FATAL": "ERROR"}
"""Names that other programs give to our levels."""
CHOICES: Final = (*(f"{kind.upper()}_{what}" for kind in KINDS for what in ("PROVIDER", "MODEL")), "TTS_VOICE_ID")
"""The variables that choose the three providers."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value for a place in the config file."""

    path: tuple[str, ...]
    value: Any
    variable: str = ""
    """The environment variable that says so."""


def assignments_of(environment: Mapping[str, str], values: Mapping[str, Any]) -> Iterator[Assignment]:
    """What the environment says, over the `values` of the layers below it."""
    for variable, path in PLAIN.items():
        if text := environment.get(variable):
            yield Assignment(path, text, variable)
    yield from _logging(environment)
    below = values.get("providers")
    providers: dict[str, Any] = dict(below) if isinstance(below, dict) else {}
    if "realtime" not in providers:
        for kind in KINDS:
            found = list(_provider(kind, environment, providers.get(kind)))
            yield from found
            providers[kind] = _applied(providers.get(kind), found)
    yield from _keys(environment, providers)
    if text := environment.get("ENABLED_PLUGINS"):
        yield Assignment(("plugins",), _plugins(text, values.get("plugins")), "ENABLED_PLUGINS")


def ignored_variables(environment: Mapping[str, str], values: Mapping[str, Any]) -> list[str]:
    """Variables that choose one of three providers where the config file has a realtime one in their place."""
    providers = values.get("providers")
    if not isinstance(providers, dict) or not providers.get("realtime"):
        return []
    return [name for name in CHOICES if environment.get(name)]


def plugin_names(text: str) -> list[str]:
    """The names of ENABLED_PLUGINS, each once, in their order."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _logging(environment: Mapping[str, str]) -> Iterator[Assignment]:
    if text := environment.get("LOG_LEVEL"):
        level = text.strip().upper()
        yield Assignment(("logLevel",), LEVELS.get(level, level), "LOG_LEVEL")
    if environment.get("DEBUG", "").strip().lower() in TRUE:
        yield Assignment(("logLevel",), "DEBUG", "DEBUG")


def _provider(kind: ProviderKind, environment: Mapping[str, str], below: Any) -> Iterator[Assignment]:
    prefix = kind.upper()
    path = ("providers", kind)
    known = below if isinstance(below, dict) else {}
    name = environment.get(f"{prefix}_PROVIDER", "").strip().lower()
    if name and name != known.get("provider"):
        # model, address, options and credential of another provider say nothing about this one
        entry = find_provider(kind, name)
        chosen = {"provider": name, "model": entry.default_model if entry else ""}
        kept = {"fallbacks": known["fallbacks"]} if "fallbacks" in known else {}
        yield Assignment(path, chosen | kept, f"{prefix}_PROVIDER")
    if model := environment.get(f"{prefix}_MODEL"):
        yield Assignment((*path, "model"), model, f"{prefix}_MODEL")
    if kind == "tts" and (voice := environment.get("TTS_VOICE_ID")):
        yield Assignment((*path, "voice"), voice, "TTS_VOICE_ID")


def _applied(below: Any, found: Iterable[Assignment]) -> dict[str, Any]:
    provider: dict[str, Any] = dict(below) if isinstance(below, dict) else {}
    for one in found:
        provider = dict(one.value) if len(one.path) == 2 else {**provider, one.path[2]: one.value}
    return provider


def _keys(environment: Mapping[str, str], providers: Mapping[str, Any]) -> Iterator[Assignment]:
    """The variables that hold keys are named in the configuration; what they hold never is part of it."""
    for kind in (*KINDS, "realtime"):
        provider = providers.get(kind)
        if not isinstance(provider, dict):
            continue
        if variable := _key_variable(kind, provider, environment):
            yield Assignment(("providers", kind, "credentialsEnv"), variable, variable)
        fallbacks = provider.get("fallbacks")
        if not isinstance(fallbacks, list):
            continue
        variables = [_key_variable(kind, one, environment) for one in fallbacks]
        if any(variables):
            with_keys = [
                {**one, "credentialsEnv": variable} if variable else one
                for one, variable in zip(fallbacks, variables, strict=True)
            ]
            named = ", ".join(dict.fromkeys(variable for variable in variables if variable))
            yield Assignment(("providers", kind, "fallbacks"), with_keys, named)


def _key_variable(kind: ProviderKind, provider: Any, environment: Mapping[str, str]) -> str | None:
    entry = find_provider(kind, str(provider.get("provider"))) if isinstance(provider, dict) else None
    return entry.credential_key if entry is not None and environment.get(entry.credential_key) else None


def _plugins(text: str, below: Any) -> list[Any]:
    """The named ones in the order named; one that the file has too keeps its settings."""
    known = {one.get("name"): one for one in below if isinstance(one, dict)} if isinstance(below, list) else {}
    return [known.get(name, {"name": name}) for name in plugin_names(text)]
