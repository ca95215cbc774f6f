"""Checks a provider's `options` against what its plugin takes, so that a typing error becomes a sentence."""

import difflib
import inspect
from typing import Any, Final

from voiceagent_api.agent_config import ProviderConfig
from voiceagent_api.catalogue import ProviderKind

from voiceagent_worker.errors import ConfigurationError

OWN_FIELDS: Final = {
    "api_key": "credentialsSecretRef",
    "base_url": "baseURL",
    "model": "model",
    "voice": "voice",
}
"""Set by fields of their own; an option of that name would contradict one."""
OBJECTS: Final = frozenset({"client", "http_session", "vad", "word_tokenizer", "timeout"})
"""Parameters that no JSON value can fill."""


def checked_options(kind: ProviderKind, config: ProviderConfig, plugin: type) -> dict[str, Any]:
    """The options to give to the plugin's class. Raises ConfigurationError for one that it does not take."""
    parameters = inspect.signature(plugin).parameters
    allowed = sorted(n for n in parameters if not n.startswith("_") and n not in OBJECTS and n not in OWN_FIELDS)
    for name in config.options:
        where = f'The option "{name}" of the {kind} provider "{config.provider}"'
        if name in OWN_FIELDS:
            raise ConfigurationError(f"{where} has a field of its own: set {OWN_FIELDS[name]} instead.")
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.6)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            raise ConfigurationError(f"{where} is not known.{hint} Known options: {', '.join(allowed)}.")
    return dict(config.options)
