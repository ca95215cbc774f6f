"""The options to give to a provider's plugin, checked."""

from typing import Any

from voiceagent_api.agent_config import ProviderConfig
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.options import option_problems

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.registry import find_entry


def checked_options(kind: ProviderKind, config: ProviderConfig) -> dict[str, Any]:
    """The options, by the names of the plugin's parameters. Raises ConfigurationError for what it does not take."""
    entry = find_entry(kind, config.provider)
    problems = option_problems(entry, config.options) if entry else []
    if problems:
        raise ConfigurationError(" ".join(problems))
    whole = {option.name for option in entry.options if option.type == "integer"} if entry else set()
    return {name: int(value) if name in whole else value for name, value in config.options.items()}


def given(**parameters: Any) -> dict[str, Any]:
    """The parameters that are given; for the others a plugin has its own defaults, which None is not."""
    return {name: value for name, value in parameters.items() if value is not None}


def root(config: ProviderConfig) -> str | None:
    """The address to ask, if it is not the provider's own."""
    return None if config.base_url is None else config.base_url.rstrip("/")
