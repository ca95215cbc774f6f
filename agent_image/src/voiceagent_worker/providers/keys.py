"""What a provider's Secret holds, read anew for each session: the key, and what else the provider asks for."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from voiceagent_api.agent_config import ProviderConfig
from voiceagent_api.catalogue import ProviderEntry
from voiceagent_api.providers.entries import Credential

from voiceagent_worker.credentials import NO_KEY, read_key_file, read_key_variable
from voiceagent_worker.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ProviderCredentials:
    """A provider's credentials. A factory takes what it needs."""

    api_key: str = field(default=NO_KEY, repr=False)
    further: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What else the Secret holds, by its keys."""
    files: Mapping[str, Path] = field(default_factory=dict)
    """Files that are handed on as such, by their keys."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that must never be shown."""
        return (self.api_key, *self.further.values(), *(key for path in self.files.values() for key in _keys_in(path)))


def read_provider_credentials(entry: ProviderEntry, config: ProviderConfig) -> ProviderCredentials:
    """Read what the entry asks for. Raises ConfigurationError for what is needed and not there.

    A provider whose key comes from the environment has the rest of its Secret's keys there too.
    """
    paths = {} if config.credentials_path is None else {entry.credential_key: config.credentials_path}
    paths |= config.further_credentials or {}
    api_key, further, files = NO_KEY, dict[str, str](), dict[str, Path]()
    for number, credential in enumerate(entry.credentials):
        variable = config.credentials_env if number == 0 and not credential.file else credential.key
        if config.credentials_env and variable and os.environ.get(variable):
            value = read_key_variable(variable, _subject(entry))
            if credential.file:
                files[credential.key] = Path(value)
            elif number == 0:
                api_key = value
            else:
                further[credential.key] = value
            continue
        path = _find(entry, config, credential, paths.get(credential.key))
        if path is None:
            continue
        if credential.file:
            files[credential.key] = path
        elif number == 0:
            api_key = _read(entry, path)
        else:
            further[credential.key] = _read(entry, path)
    return ProviderCredentials(api_key, further, files)


def _find(entry: ProviderEntry, config: ProviderConfig, credential: Credential, name: str | None) -> Path | None:
    """The file, or None where there is none and the provider can do without."""
    needed = credential.needed(config.base_url, frozenset(config.options))
    path = None if name is None else Path(name)
    if path is not None and (path.exists() or (needed and _is_the_key(entry, credential))):
        return path
    # a server of one's own may ask for no key
    if not needed or (config.base_url is not None and path is None):
        return None
    instead = "".join(
        f", or set {'baseURL' if name == 'baseURL' else f'the option {name}'}" for name in credential.unless
    )
    where = f"there is no file {path}" if path else "the config file gives no credentialsPath"
    raise ConfigurationError(
        f"{_subject(entry)} is missing: {where}. {credential.description}",
        f"Put it into the Secret that credentialsSecretRef names, as {credential.key}{instead}.",
    )


def _is_the_key(entry: ProviderEntry, credential: Credential) -> bool:
    return credential is entry.credentials[0] and not credential.file


def _read(entry: ProviderEntry, path: Path) -> str:
    return read_key_file(path, _subject(entry), "Create the Secret, or name another in credentialsSecretRef.")


def _subject(entry: ProviderEntry) -> str:
    return f'The credential of the {entry.kind} provider "{entry.name}"'


def _keys_in(path: Path) -> tuple[str, ...]:
    """The private parts of a service account's file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    if not isinstance(content, dict):
        return ()
    return tuple(str(content[name]) for name in ("private_key", "private_key_id") if content.get(name))
