"""The agent's config file: read whole, checked before use, and watched.

A ConfigMap volume is swapped by one rename of its `..data` link; resolving the path once reads one version.
The main process alone judges a changed file. What it accepts it writes as a copy, and that copy is what the
calls read: so `/status` tells exactly what the next call will use, and a bad file reaches none.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, config_revision
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.options import option_problems

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.plugins.loading import unknown_plugins
from voiceagent_worker.registry import find_entry, unknown_sentence

POLL_SECONDS: Final = 1.0
FIXED_FIELDS: Final = ("namespace", "name", "agent_name", "livekit_url", "drain_timeout_seconds")
"""What a running worker cannot change: it is registered with these."""
MAX_BYTES: Final = 2 * 1024 * 1024
"""Above what a ConfigMap can hold, so anything larger is not ours."""


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A config file that was read and found good."""

    config: AgentConfig
    text: str

    @property
    def revision(self) -> str:
        """The same that the operator computes from this text."""
        return config_revision(self.text)


def load_config(path: Path) -> LoadedConfig:
    """Read and check a config file. Raises ConfigurationError with file, place, and what is wrong."""
    subject = f"The agent's config file {path}"
    try:
        data = path.resolve().read_bytes()[: MAX_BYTES + 1]
    except FileNotFoundError as error:
        raise ConfigurationError(f"{subject} does not exist. Mount the agent's ConfigMap there.") from error
    except OSError as error:
        raise ConfigurationError(f"{subject} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise ConfigurationError(f"{subject} has more than {MAX_BYTES} bytes.")
    try:
        text = data.decode("utf-8")
        config = AgentConfig.model_validate(json.loads(text))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{subject} is not UTF-8 text.") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{subject} is not JSON: {error}.") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the whole'}: {e['msg']}" for e in error.errors()[:5])
        raise ConfigurationError(f"{subject} is wrong at {wrong}.") from error
    problems = [problem for kind, one in all_providers(config) for problem in _provider_problems(kind, one)]
    problems += unknown_plugins(config)
    if problems:
        raise ConfigurationError(f"{subject} cannot be used: {' '.join(problems)}")
    return LoadedConfig(config, text)


def providers_of(config: AgentConfig) -> dict[ProviderKind, ProviderConfig]:
    """The configured providers by their kind."""
    kinds: tuple[ProviderKind, ...] = ("stt", "llm", "tts", "realtime")
    return {kind: provider for kind in kinds if (provider := getattr(config.providers, kind)) is not None}


def _provider_problems(kind: ProviderKind, provider: ProviderConfig) -> list[str]:
    entry = find_entry(kind, provider.provider)
    return [unknown_sentence(kind, provider.provider)] if entry is None else option_problems(entry, provider.options)


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
    part = path.with_suffix(".part")
    part.write_bytes(loaded.text.encode())
    part.replace(path)


class ConfigWatcher:
    """Keeps the last good config, and why a newer one was refused."""

    def __init__(self, path: Path, accepted_path: Path, first: LoadedConfig) -> None:
        self._path = path
        self._accepted_path = accepted_path
        self._seen = _signature(path)
        self.current = first
        self.error: str | None = None
        write_accepted(accepted_path, first)

    def check(self) -> bool:
        """Look once; True if anything changed. Blocking, but only by the reading of small files."""
        seen = _signature(self._path)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            loaded = load_config(self._path)
            _refuse_another_agent(self._path, self.current.config, loaded.config)
        except ConfigurationError as error:
            self.error = f"{error} The last good config stays in force."
            return True
        write_accepted(self._accepted_path, loaded)
        self.current = loaded
        self.error = None
        return True

    async def watch(self, on_change: Callable[[], None]) -> None:
        """Look for ever, until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                changed = await asyncio.to_thread(self.check)
            except OSError as error:
                # the copy could not be written; the calls go on with the one that is there
                self.error = f"The changed config file cannot be taken over: {error}."
                changed = True
            if changed:
                on_change()


def _refuse_another_agent(path: Path, old: AgentConfig, new: AgentConfig) -> None:
    changed = [name for name in FIXED_FIELDS if getattr(old, name) != getattr(new, name)]
    if changed:
        keys = ", ".join(AgentConfig.model_fields[name].alias or name for name in changed)
        raise ConfigurationError(
            f"The agent's config file {path} changes {keys}, which needs a new pod: a running one "
            "keeps what it is registered with."
        )


def _signature(path: Path) -> tuple[str, int, int, int] | None:
    """What differs when the file is another one; None if there is none."""
    try:
        real = path.resolve()
        stat = real.stat()
    except OSError:
        return None
    return str(real), stat.st_ino, stat.st_mtime_ns, stat.st_size
