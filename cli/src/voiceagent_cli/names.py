"""Names of providers, models and plugins as people type them, against the catalogue. Pure.

Models are checked only softly: the catalogue's are a hint, and providers bring out new ones every month. So are all
names of an agent with an image of its own, which may have more than the catalogue says.
"""

import difflib
import re
from collections.abc import Sequence

from voiceagent_api.catalogue import (
    CATALOGUE,
    ProviderEntry,
    ProviderKind,
    find_provider,
    unknown_plugin_sentence,
    unknown_provider_sentence,
)
from voiceagent_api.names import NAME_MAX_LENGTH
from voiceagent_api.primitives import NAME_PATTERN
from voiceagent_api.providers.entries import third_party_entry
from voiceagent_api.providers.retired import successor

from voiceagent_cli.errors import invalid

KINDS: tuple[ProviderKind, ...] = ("stt", "llm", "tts", "realtime")


def provider_named(kind: ProviderKind, name: str, *, unlisted: bool = False) -> ProviderEntry:
    """The catalogue's entry; with `unlisted` also one for a name that is not in it. Raises CliError."""
    entry = find_provider(kind, name)
    if entry is not None:
        return entry
    if unlisted:
        return third_party_entry(kind, name)
    raise invalid(f"{unknown_provider_sentence(kind, name)} A provider of your own image needs --unlisted.")


def model_note(entry: ProviderEntry, model: str) -> str | None:
    """What to say of a model that the catalogue does not list; None where it does, or has no list."""
    known = tuple(dict.fromkeys([*entry.models, entry.default_model]))
    if not entry.models or model in known:
        return None
    if newer := successor(entry.kind, entry.name, model):
        return (
            f'The {entry.kind} model "{model}" was retired by {entry.name}; "{newer}" takes its place. It is used all '
            "the same."
        )
    return (
        f'The {entry.kind} model "{model}" is not among those of {entry.name} that this release knows. '
        f"{nearest(model, known)}Known: {', '.join(known)}. It is used all the same."
    )


def check_plugin(name: str, *, unlisted: bool = False) -> None:
    """Raises CliError for a plugin that the worker image of this release does not have."""
    sentence = unknown_plugin_sentence(name)
    if sentence and not unlisted:
        raise invalid(f"{sentence} A plugin of your own image needs --unlisted, one elsewhere --webhook URL.")


def nearest(name: str, known: Sequence[str]) -> str:
    """The question that helps against a typing error, with a space behind it; empty where nothing is near."""
    near = near_name(name, known)
    return f'Did you mean "{near}"? ' if near else ""


def near_name(name: str, known: Sequence[str]) -> str | None:
    """The known name that was probably meant."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.6)), None)


def check_agent_name(name: str) -> None:
    """Raises CliError for what cannot be an agent's name."""
    if not re.fullmatch(NAME_PATTERN, name) or len(name) > NAME_MAX_LENGTH:
        raise invalid(
            f'"{name}" cannot be an agent\'s name: use at most {NAME_MAX_LENGTH} lower-case letters, digits and '
            "hyphens, beginning with a letter."
        )


def providers_of(kind: ProviderKind | None) -> list[ProviderEntry]:
    """The catalogue's entries, of all kinds or of one."""
    return [entry for one in KINDS if kind in (None, one) for entry in CATALOGUE if entry.kind == one]


def secret_hint(entry: ProviderEntry, secret: str | None, namespace: str | None) -> str | None:
    """How to make the Secret that a provider needs; None where it needs none."""
    needed = [credential.key for credential in entry.credentials if credential.needed(None, frozenset())]
    if not needed:
        return None
    values = " ".join(
        f"--from-file={credential.key}=FILE" if credential.file else f"--from-literal={credential.key}=…"
        for credential in entry.credentials
        if credential.key in needed
    )
    place = f" -n {namespace}" if namespace else ""
    return (
        f"{entry.name} needs its key in a Secret, unless your install names another or the agent has it: "
        f"kubectl create secret generic {secret or entry.name}{place} {values}"
    )
