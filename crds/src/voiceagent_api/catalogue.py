"""Which providers there are: pure data that the operator checks names against and the worker builds from."""

import difflib
from collections.abc import Iterable

from voiceagent_api.providers import CATALOGUE
from voiceagent_api.providers.entries import ProviderEntry, ProviderKind

__all__ = ["CATALOGUE", "PLUGINS", "ProviderEntry", "ProviderKind", "find_provider", "unknown_provider_sentence"]


def find_provider(kind: ProviderKind, name: str) -> ProviderEntry | None:
    """The catalogue's entry of that kind and name, or None."""
    return next((entry for entry in CATALOGUE if entry.kind == kind and entry.name == name), None)


def unknown_provider_sentence(kind: ProviderKind, name: str, field: str = "", more: Iterable[str] = ()) -> str:
    """What to tell a user who asked for a provider that there is not: the nearest name and the whole list.

    `field` is the path of the field within the spec's providers; by default the kind's own. `more` are names known
    beside the catalogue's.
    """
    known = list(dict.fromkeys([*(entry.name for entry in CATALOGUE if entry.kind == kind), *more]))
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    field = field or kind
    named = ", ".join(known) or "none in this version"
    return f'spec.providers.{field}.provider "{name}" is not known.{hint} Known {kind} providers: {named}.'


PLUGINS: tuple[str, ...] = ()
"""Names of the plugins that the worker image has."""


def unknown_plugin_sentence(name: str) -> str | None:
    """What to tell a user who asked for a plugin that the image does not have; None where it has it."""
    if name in PLUGINS:
        return None
    near = difflib.get_close_matches(name, PLUGINS, n=1, cutoff=0.6)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    known = ", ".join(PLUGINS) or "none in this version"
    return f'spec.plugins "{name}" is not known to the worker image.{hint} Known plugins: {known}.'
