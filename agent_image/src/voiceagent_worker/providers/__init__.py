"""Makes a session's STT, LLM and TTS: the catalogue says by which factory, and nothing unused is imported.

A factory is `build_KIND(config, language, api_key)` in a module of this package, one module a vendor.
"""

import asyncio
import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from livekit.agents import llm, stt, tts
from voiceagent_api.agent_config import AgentConfig, ProviderConfig
from voiceagent_api.catalogue import ProviderEntry, ProviderKind, find_provider, unknown_provider_sentence

from voiceagent_worker.config import providers_of
from voiceagent_worker.credentials import read_provider_key
from voiceagent_worker.errors import (
    AgentCreationError,
    ConfigurationError,
    DependencyNotFoundError,
    WorkerError,
)
from voiceagent_worker.logs import Redactor


@dataclass(frozen=True, slots=True)
class Models:
    """The three models of a session."""

    stt: stt.STT[Any]
    llm: llm.LLM[Any]
    tts: tts.TTS[Any]


async def build_models(config: AgentConfig, redactor: Redactor) -> Models:
    """Read the credentials and make the three models.

    On the main thread, where LiveKit's plugins must be imported. Each takes some 40 ms for its TLS settings, so the
    event loop gets a turn between them. Raises ConfigurationError or
    DependencyNotFoundError for what the user can change, else AgentCreationError.
    """
    made: dict[ProviderKind, Any] = {}
    for kind, provider in providers_of(config).items():
        made[kind] = _build(kind, provider, config.language, redactor)
        await asyncio.sleep(0)
    return Models(stt=made["stt"], llm=made["llm"], tts=made["tts"])


def modules_of(config: AgentConfig) -> list[str]:
    """The modules that the configured providers need, each once."""
    entries = (find_provider(kind, provider.provider) for kind, provider in providers_of(config).items())
    return _unique(entry.factory.partition(":")[0] for entry in entries if entry is not None)


def find_factory(kind: ProviderKind, name: str) -> Callable[[ProviderConfig, str, str], Any]:
    """The function that makes a provider. Raises ConfigurationError or DependencyNotFoundError."""
    entry = find_provider(kind, name)
    if entry is None:
        raise ConfigurationError(unknown_provider_sentence(kind, name))
    return _import_factory(entry)


def _build(kind: ProviderKind, config: ProviderConfig, language: str, redactor: Redactor) -> Any:
    factory = find_factory(kind, config.provider)
    api_key = read_provider_key(kind, config)
    redactor.add(api_key)
    try:
        return factory(config, language, api_key)
    except WorkerError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f'The {kind} provider "{config.provider}" refuses its settings: {redactor(str(error))}'
        ) from error
    except Exception as error:
        raise AgentCreationError(
            f'The {kind} provider "{config.provider}" could not be set up ({type(error).__name__}); '
            "the pod's log has the details."
        ) from error


def _import_factory(entry: ProviderEntry) -> Callable[[ProviderConfig, str, str], Any]:
    module_name, _, function_name = entry.factory.partition(":")
    try:
        factory: Callable[[ProviderConfig, str, str], Any] = getattr(
            importlib.import_module(module_name), function_name
        )
    except (ImportError, AttributeError) as error:
        missing = getattr(error, "name", None) or entry.factory
        raise DependencyNotFoundError(
            f'The {entry.kind} provider "{entry.name}" needs {missing}, which this worker image lacks. '
            "Use the worker image of this release, or add the provider's plugin to yours."
        ) from error
    return factory


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
