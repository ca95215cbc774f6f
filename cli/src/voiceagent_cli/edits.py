"""Changes of a VoiceAgent: from a document to another one. Pure."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from voiceagent_cli.errors import invalid

SpokenKind = Literal["stt", "llm", "tts"]
Document = dict[str, Any]
_OF_ONE_PROVIDER: Final = ("voice", "baseURL", "credentialsSecretRef", "options")
"""What means nothing to another provider."""


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """Another provider, model or voice of one kind."""

    kind: SpokenKind
    provider: str
    model: str
    voice: str | None = None
    base_url: str | None = None
    secret: str | None = None
    """Name of the Secret with the provider's key."""


@dataclass(frozen=True, slots=True)
class PluginAddition:
    """A plugin to add."""

    name: str
    webhook: str | None = None
    """Where it runs, when it is not one of the image."""
    secret: str | None = None
    """Secret whose WEBHOOK_SECRET signs what is sent there."""
    first: bool = False
    """Before all others; else behind them."""


def with_provider(document: Mapping[str, Any], change: ProviderChange) -> Document:
    """The document with the provider changed. What belonged to the earlier provider goes, fallbacks stay.

    Raises CliError where the agent has a realtime model in place of the three.
    """
    changed = copy.deepcopy(dict(document))
    providers = _child(_child(changed, "spec"), "providers")
    if providers.get("realtime"):
        raise invalid(
            f"spec.providers.realtime takes the place of stt, llm and tts, so there is no {change.kind} to change. "
            "Replace it by the three in the manifest first."
        )
    choice = _child(providers, change.kind)
    if choice.get("provider") != change.provider:
        for name in _OF_ONE_PROVIDER:
            choice.pop(name, None)
    _put(choice, "provider", change.provider, behind=None)
    _put(choice, "model", change.model, behind="provider")
    if change.voice is not None:
        _put(choice, "voice", change.voice, behind="model")
    if change.base_url is not None:
        choice["baseURL"] = change.base_url
    if change.secret is not None:
        choice["credentialsSecretRef"] = {"name": change.secret}
    return changed


def with_plugin(document: Mapping[str, Any], addition: PluginAddition) -> Document:
    """The document with one plugin more. Raises CliError where it has one of that name."""
    if addition.name in plugin_names(document):
        raise invalid(f'spec.plugins has "{addition.name}" already.')
    changed = copy.deepcopy(dict(document))
    spec = _child(changed, "spec")
    entry: dict[str, Any] = {"name": addition.name}
    if addition.webhook:
        entry["webhook"] = {"url": addition.webhook}
        if addition.secret:
            entry["webhook"]["secretRef"] = {"name": addition.secret}
    plugins = spec.get("plugins")
    if not plugins:
        spec["plugins"] = [entry]
    elif addition.first:
        plugins.insert(0, entry)
    else:
        plugins.append(entry)
    return changed


def without_plugin(document: Mapping[str, Any], name: str) -> Document:
    """The document with one plugin fewer. Raises CliError where it has none of that name."""
    names = plugin_names(document)
    if name not in names:
        raise invalid(f'spec.plugins has no "{name}". It has: {", ".join(names) or "none"}.')
    changed = copy.deepcopy(dict(document))
    spec = changed["spec"]
    if len(names) == 1:
        del spec["plugins"]
        return changed
    del spec["plugins"][names.index(name)]
    return changed


def plugin_names(document: Mapping[str, Any]) -> list[str]:
    """The names of an agent's plugins, in their order."""
    plugins = (document.get("spec") or {}).get("plugins") or []
    if not isinstance(plugins, list):
        raise invalid("spec.plugins must be a list.")
    return [str(plugin.get("name", "")) if isinstance(plugin, Mapping) else "" for plugin in plugins]


def has_own_image(document: Mapping[str, Any]) -> bool:
    """Whether the agent runs an image of its own, which may have providers and plugins that nobody here knows."""
    spec = document.get("spec")
    return isinstance(spec, Mapping) and bool(spec.get("image"))


def _child(parent: Document, name: str) -> Document:
    """The object at a field, made where there is none. Raises CliError where something else is there."""
    child = parent.get(name)
    if child is None:
        parent[name] = child = {}
    if not isinstance(child, dict):
        raise invalid(f"{name} must be an object.")
    return child


def _put(parent: Document, name: str, value: Any, *, behind: str | None) -> None:
    """Set a field; a new one comes behind its neighbour."""
    names = list(parent)
    if name not in parent:
        names.insert(names.index(behind) + 1 if behind in names else 0, name)
    values = {**parent, name: value}
    parent.clear()
    parent.update((one, values[one]) for one in names)
