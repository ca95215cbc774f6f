"""The agent's configuration: read whole, checked before use, and watched.

A ConfigMap volume is swapped by one rename of its `..data` link; resolving the path once reads one version.
The main process alone judges a changed file. What it accepts it writes as a copy, with what environment and arguments
say put on top, and that copy is what the calls read: so `/status` tells exactly what the next call will use, and a
bad file reaches none.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, config_revision
from voiceagent_api.base import Model
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.options import option_problems
from voiceagent_api.primitives import LIVEKIT_URL_PATTERN

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.layers import DEFAULT, Layers, Origin, Problem, compose
from voiceagent_worker.plugins.loading import unknown_plugins
from voiceagent_worker.registry import FULL_REMEDY, find_entry, missing_package, unknown_sentence
from voiceagent_worker.whole_file import write_whole

POLL_SECONDS: Final = 1.0
FIXED_FIELDS: Final = ("namespace", "name", "agent_name", "livekit_url", "drain_timeout_seconds", "metrics_enabled")
"""What a running worker cannot change: it is registered, or has begun, with these."""
MAX_BYTES: Final = 2 * 1024 * 1024
"""Above what a ConfigMap can hold, so anything larger is not ours."""


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration that was found good."""

    config: AgentConfig
    text: str
    """Of the file; where there is none, what the other layers come to, as such a file would say it."""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """By dotted key, for each value that is no default."""
    problems: tuple[Problem, ...] = ()
    """Values that were passed over for a default, which is done at the first start only."""

    @property
    def revision(self) -> str:
        """The same that the operator computes from this text."""
        return config_revision(self.text)


class AcceptedConfig(Model):
    """What the main process leaves for the calls."""

    revision: str
    config: AgentConfig


def load_config(path: Path, layers: Layers | None = None, *, required: bool = True) -> LoadedConfig:
    """Read and check a config file, with the layers above it. Raises ConfigurationError with place and reason.

    A file that is not `required` may be missing: then the other layers are to suffice.
    """
    layers = layers or Layers()
    text = _read(path, required)
    composed = compose(_parse(path, text), str(path), layers)
    config, origins = composed.config, composed.origins
    if not re.match(LIVEKIT_URL_PATTERN, config.livekit_url):
        raise ConfigurationError(
            f"{_place('livekitURL', origins, path)} cannot be used.",
            "livekitURL must be an address such as wss://livekit.example.com, without spaces.",
        )
    problems: dict[str, list[str]] = {}
    for kind, provider in providers_of(config).items():
        told = [problem for one in with_fallbacks(provider) for problem in _provider_problems(kind, one)]
        # calls do without a fallback that the image lacks; the checks of providers tell of it
        told += _missing(kind, provider)
        problems.setdefault(_place(f"providers.{kind}.provider", origins, path), []).extend(told)
    problems.setdefault(_place("plugins", origins, path), []).extend(unknown_plugins(config))
    if wrong := [f"{place} cannot be used: {' '.join(told)}" for place, told in problems.items() if told]:
        raise ConfigurationError(" ".join(wrong))
    return LoadedConfig(config, config.to_json() if text is None else text, origins, composed.problems)


def read_accepted(path: Path) -> AcceptedConfig:
    """What the main process accepted last. Raises ConfigurationError where it cannot be read."""
    try:
        return AcceptedConfig.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ConfigurationError(
            f"The accepted configuration {path} cannot be read ({type(error).__name__}).", "Restart the worker."
        ) from error


def _read(path: Path, required: bool) -> str | None:
    subject = _subject(path)
    try:
        data = path.resolve().read_bytes()[: MAX_BYTES + 1]
    except FileNotFoundError as error:
        if not required:
            return None
        raise ConfigurationError(f"{subject} does not exist.", "Mount the agent's ConfigMap there.") from error
    except OSError as error:
        raise ConfigurationError(f"{subject} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{subject} has more than {MAX_BYTES} bytes.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{subject} is not UTF-8 text.") from error


def _parse(path: Path, text: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{_subject(path)} is not JSON: {error}.") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"{_subject(path)} is wrong at the whole: it must be a JSON object.")
    return data


def _subject(path: Path) -> str:
    return f"The agent's config file {path}"


def _place(key: str, origins: Mapping[str, Origin], path: Path) -> str:
    origin = origins.get(key, DEFAULT)
    return f"The configuration from {origin}" if origin.layer in ("environment", "argument") else _subject(path)


def providers_of(config: AgentConfig) -> dict[ProviderKind, ProviderConfig]:
    """The configured providers by their kind."""
    kinds: tuple[ProviderKind, ...] = ("stt", "llm", "tts", "realtime")
    return {kind: provider for kind in kinds if (provider := getattr(config.providers, kind)) is not None}


def _provider_problems(kind: ProviderKind, provider: ProviderConfig) -> list[str]:
    entry = find_entry(kind, provider.provider)
    return [unknown_sentence(kind, provider.provider)] if entry is None else option_problems(entry, provider.options)


def _missing(kind: ProviderKind, provider: ProviderConfig) -> list[str]:
    entry = find_entry(kind, provider.provider)
    missing = missing_package(entry) if entry else None
    return [f"{missing} {FULL_REMEDY}"] if missing else []


def with_fallbacks(provider: ProviderConfig) -> tuple[ProviderConfig, ...]:
    """A provider, and whom to turn to when it fails."""
    return (provider, *provider.fallbacks)


def all_providers(config: AgentConfig) -> list[tuple[ProviderKind, ProviderConfig]]:
    """Every configured provider, each with its fallbacks behind it."""
    return [(kind, one) for kind, provider in providers_of(config).items() for one in with_fallbacks(provider)]


def provider_key(kind: ProviderKind, config: ProviderConfig) -> str:
    """The same for the same model at the same address, in every process of the pod. It holds no secret."""
    return f"{kind} {config.provider} {config.model} {config.base_url or ''}".rstrip()


def write_accepted(path: Path, loaded: LoadedConfig) -> None:
    """Write the copy that calls read, at once for every reader."""
    accepted = AcceptedConfig(revision=loaded.revision, config=loaded.config)
    write_whole(path, accepted.model_dump_json(by_alias=True))


class ConfigWatcher:
    """Keeps the last good config, and why a newer one was refused."""

    def __init__(self, path: Path, accepted_path: Path, first: LoadedConfig, layers: Layers | None = None) -> None:
        self._path = path
        self._layers = layers
        self._accepted_path = accepted_path
        self._seen = _signature(path)
        self.current = first
        self.error: str | None = _fallen_back(first)
        """What is wrong with the file, as the person who runs the agent is told."""
        write_accepted(accepted_path, first)

    def check(self) -> bool:
        """Look once; True if anything changed. Blocking, but only by the reading of small files."""
        seen = _signature(self._path)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            loaded = load_config(self._path, self._layers)
            _refuse_fallbacks(self._path, loaded)
            _refuse_another_agent(self._path, self.current.config, loaded.config)
        except ConfigurationError as error:
            self.error = f"{error} The last good config stays in force."
            return True
        write_accepted(self._accepted_path, loaded)
        self.current = loaded
        self.error = _fallen_back(loaded)
        return True

    async def watch(self, on_change: Callable[[], None]) -> None:
        """Look for ever, until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            before = self.error
            try:
                changed = await asyncio.to_thread(self.check)
            except OSError as error:
                # the copy could not be written; the calls go on with the one that is there until it can be
                self._seen = None
                self.error = f"The changed config file cannot be taken over: {error.strerror}. It is tried again."
                changed = self.error != before
            if changed:
                on_change()


def _fallen_back(loaded: LoadedConfig) -> str | None:
    return " ".join(problem.sentence for problem in loaded.problems) or None


def _refuse_fallbacks(path: Path, loaded: LoadedConfig) -> None:
    """A running worker has something better than a default: the last good file."""
    wrong = [problem.sentence for problem in loaded.problems if problem.layer == "file"]
    if wrong:
        raise ConfigurationError(f"{_subject(path)} cannot be used: {' '.join(wrong)}")


def _refuse_another_agent(path: Path, old: AgentConfig, new: AgentConfig) -> None:
    changed = [name for name in FIXED_FIELDS if getattr(old, name) != getattr(new, name)]
    if changed:
        keys = ", ".join(AgentConfig.model_fields[name].alias or name for name in changed)
        raise ConfigurationError(
            f"The agent's config file {path} changes {keys}, which needs a new pod: a running one "
            "keeps what it is registered with.",
            "Restart the worker; the operator does so by itself.",
        )


def _signature(path: Path) -> tuple[str, int, int, int] | None:
    """What differs when the file is another one; None if there is none."""
    try:
        real = path.resolve()
        stat = real.stat()
    except OSError:
        return None
    return str(real), stat.st_ino, stat.st_mtime_ns, stat.st_size
