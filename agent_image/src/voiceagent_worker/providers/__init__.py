"""Makes a session's models: the catalogue says by which factory, and nothing unused is imported.

A factory is `build_KIND(config, language, credentials)` in a module of this package, one module a vendor.
"""

import asyncio
import importlib
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import llm, stt, tts, vad
from voiceagent_api.agent_config import AgentConfig, ProviderConfig
from voiceagent_api.catalogue import ProviderEntry, ProviderKind

from voiceagent_worker.config import all_providers, providers_of, with_fallbacks
from voiceagent_worker.errors import (
    AgentCreationError,
    ConfigurationError,
    DependencyNotFoundError,
    WorkerError,
)
from voiceagent_worker.logs import Redactor
from voiceagent_worker.providers.availability import Availability, Watched
from voiceagent_worker.providers.fallbacks import Adapter, join_llm, join_stt, join_tts, set_available
from voiceagent_worker.providers.keys import ProviderCredentials, read_provider_credentials
from voiceagent_worker.registry import FULL_REMEDY, find_entry, lacks, unknown_sentence

logger = logging.getLogger(__name__)

Listening = stt.STT[Any]
Thinking = llm.LLM[Any] | llm.RealtimeModel
Speaking = tts.TTS[Any]
Factory = Callable[[ProviderConfig, str, ProviderCredentials], Any]


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a session: three, or a realtime one in their place."""

    llm: Thinking
    stt: Listening | None = None
    tts: Speaking | None = None
    availability: Availability = field(default_factory=Availability)

    @property
    def retried_within(self) -> frozenset[ProviderKind]:
        """Kinds whose models turn to another one instead of trying again."""
        return frozenset(watched.kind for watched in self.availability.models if watched.adapter is not None)


async def build_models(
    config: AgentConfig, redactor: Redactor, voice_detection: vad.VAD | None = None, dead: Collection[str] = ()
) -> Models:
    """Read the credentials and make the models, those with fallbacks joined to one.

    `dead` are keys of providers that other calls just found dead: they are asked last. On the main thread, where
    LiveKit's plugins must be imported. Each takes some 40 ms for its TLS settings, so the event loop gets a turn
    between them. Raises ConfigurationError or DependencyNotFoundError for what the user can change, else
    AgentCreationError; where a fallback can be made, the others are only told of.
    """
    made: dict[ProviderKind, Any] = {}
    availability = Availability()
    for kind, provider in providers_of(config).items():
        watched = await _build_all(kind, provider, config.language, redactor, availability)
        made[kind] = _join(kind, watched, voice_detection, dead)
        availability.models += watched
    if "realtime" in made:
        return Models(llm=made["realtime"], availability=availability)
    return Models(stt=made["stt"], llm=made["llm"], tts=made["tts"], availability=availability)


async def build_language_model(config: AgentConfig, redactor: Redactor) -> Models:
    """The language model alone, with its fallbacks, for a conversation in writing. Raises as `build_models` does."""
    if config.providers.llm is None:
        raise ConfigurationError(
            "A realtime model speaks, so there is nothing to write to.", "Name an llm to talk to this agent in writing."
        )
    availability = Availability()
    watched = await _build_all("llm", config.providers.llm, config.language, redactor, availability)
    availability.models += watched
    return Models(llm=_join("llm", watched, None, ()), availability=availability)


def modules_of(config: AgentConfig) -> list[str]:
    """The modules that the configured providers need, each once."""
    entries = (find_entry(kind, one.provider) for kind, one in all_providers(config))
    return _unique(entry.factory.partition(":")[0] for entry in entries if entry is not None)


def find_factory(kind: ProviderKind, name: str) -> Factory:
    """The function that makes a provider. Raises ConfigurationError or DependencyNotFoundError."""
    return _import_factory(_entry(kind, name))


async def _build_all(
    kind: ProviderKind, provider: ProviderConfig, language: str, redactor: Redactor, availability: Availability
) -> list[Watched]:
    made: list[Watched] = []
    first: WorkerError | None = None
    for one in with_fallbacks(provider):
        try:
            made.append(Watched(kind, one, _build(kind, one, language, redactor)))
        except WorkerError as error:
            first = first or error
            availability.missing.append((kind, one, str(error)))
        await asyncio.sleep(0)
    if not made and first is not None:
        raise first
    if first is not None:
        logger.warning("The session does without a provider: %s", first)
    return made


def _join(kind: ProviderKind, made: list[Watched], voice_detection: vad.VAD | None, dead: Collection[str]) -> Any:
    models = [watched.model for watched in made]
    for watched in made:
        if watched.key in dead:
            # the first success is then told as a change
            watched.available = False
            watched.why = f'The {kind} provider "{watched.config.provider}" was found dead by another call.'
    if len(models) == 1:
        return models[0]
    adapter: Adapter
    joined: Any
    match kind:
        case "stt":
            if voice_detection is None:
                raise AgentCreationError("Fallbacks of speech to text need a voice detection.")
            joined, adapter = join_stt(models, voice_detection)
        case "llm":
            joined = adapter = join_llm(models)
        case _:
            joined = adapter = join_tts(models)
    for place, watched in enumerate(made):
        watched.adapter, watched.place = adapter, place
        if not watched.available:
            set_available(adapter, place, False)
    return joined


def _build(kind: ProviderKind, config: ProviderConfig, language: str, redactor: Redactor) -> Any:
    entry = _entry(kind, config.provider)
    factory = _import_factory(entry)
    credentials = read_provider_credentials(entry, config)
    for secret in credentials.secrets:
        redactor.add(secret)
    try:
        return factory(config, language, credentials)
    except WorkerError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f'The {kind} provider "{config.provider}" refuses its settings: {redactor(str(error))}'
        ) from error
    except Exception as error:
        raise AgentCreationError(
            f'The {kind} provider "{config.provider}" could not be set up ({type(error).__name__}).',
            "Check its options; the pod's log has the details.",
        ) from error


def _entry(kind: ProviderKind, name: str) -> ProviderEntry:
    entry = find_entry(kind, name)
    if entry is None:
        raise ConfigurationError(unknown_sentence(kind, name))
    return entry


def _import_factory(entry: ProviderEntry) -> Factory:
    module_name, _, function_name = entry.factory.partition(":")
    try:
        factory: Factory = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError) as error:
        missing = getattr(error, "name", None) or entry.factory
        raise DependencyNotFoundError(
            lacks(entry, missing),
            FULL_REMEDY if entry.package else DependencyNotFoundError.kind_remedy,
        ) from error
    return factory


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
