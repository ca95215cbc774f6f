"""The variables of the single-machine system as a VoiceAgent. Pure.

Nothing is dropped in silence: each variable is named in a comment of the manifest or in a note.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError
from voiceagent_api.base import Model
from voiceagent_api.catalogue import find_provider
from voiceagent_api.environment import DEFAULTS, KINDS, LEVELS, Assignment, assignments_of
from voiceagent_api.names import API_VERSION, KIND
from voiceagent_api.primitives import LIVEKIT_URL_PATTERN, URL_PATTERN
from voiceagent_api.running import Logging, Metrics

from voiceagent_cli.names import near_name
from voiceagent_cli.original.corrections import Corrected, corrected, provider_of
from voiceagent_cli.original.left_out import OPENAI_BASE_URL, left_out
from voiceagent_cli.original.secrets import (
    LIVEKIT_KEYS,
    LIVEKIT_SECRET,
    SecretPart,
    holds_a_key,
    secret_parts,
)

Path = tuple[str, ...]
Label = Callable[[str], str]
_FIELDS: Final[Mapping[Path, tuple[type[Model], Path]]] = {
    ("metricsEnabled",): (Metrics, ("metrics", "enabled")),
    ("metricsRetentionHours",): (Metrics, ("metrics", "retentionHours")),
    ("logLevel",): (Logging, ("logging", "level")),
}
"""Where the values of a config file stand in a spec, and the type that judges them."""
_WITH_BASE_URL: Final = ("openai", "openai_compatible")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 (compared only)
_SECRET_MIN_LENGTH: Final = 8
"""From which length on a key's value is looked for in what is printed."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A manifest, what is said about it, and the Secrets that it wants."""

    document: Mapping[str, Any]
    comments: Mapping[Path, str]
    secrets: Sequence[SecretPart]
    notes: Sequence[str]
    missing_keys: Sequence[tuple[str, str]] = ()
    """Providers without a key among the variables, each with the key's name."""


@dataclass(slots=True)
class _Draft:
    spec: dict[str, Any] = field(default_factory=dict)
    comments: dict[Path, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def put(self, path: Path, value: Any, comment: str) -> None:
        place = self.spec
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
        self.comments[("spec", *path)] = comment


def import_variables(
    variables: Mapping[str, str], name: str, *, unlisted: bool = False, labels: Mapping[str, str] | None = None
) -> Imported:
    """The VoiceAgent `name` of these variables. `labels` say where those come from that are not of a `.env`."""
    known_labels = labels or {}
    given = {variable: text.strip() for variable, text in variables.items() if text.strip()}
    made = corrected(given, unlisted=unlisted)
    draft = _Draft(notes=list(made.notes))
    assigned = {one.path: one for one in assignments_of(made.variables, DEFAULTS) if one.path[-1] != "credentialsEnv"}

    def label(variable: str) -> str:
        named = known_labels.get(variable, variable)
        return f"{named}: {made.doubts[variable]}" if variable in made.doubts else named

    _instructions(draft, assigned, label)
    chosen = [(kind, provider_of(kind, made.variables)) for kind in KINDS]
    secrets = secret_parts(chosen, given)
    _livekit(draft, assigned, secrets, label)
    _providers(draft, made, assigned, secrets, label)
    if plugins := assigned.get(("plugins",)):
        draft.put(("plugins",), plugins.value, label("ENABLED_PLUGINS"))
    for path in (("metricsEnabled",), ("metricsRetentionHours",), ("logLevel",)):
        _judged(draft, assigned.get(path), label)
    draft.notes += left_out(given, variables, secrets)
    document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": draft.spec}
    return Imported(document, draft.comments, secrets, draft.notes, tuple(_missing(chosen, secrets)))


def leaked(text: str, variables: Mapping[str, str]) -> str | None:
    """The variable whose key stands in a text that is to be shown; None where none does."""
    return next(
        (
            name
            for name, value in variables.items()
            if holds_a_key(name) and len(value.strip()) >= _SECRET_MIN_LENGTH and value.strip() in text
        ),
        None,
    )


def _instructions(draft: _Draft, assigned: Mapping[Path, Assignment], label: Label) -> None:
    found = assigned.get(("instructions",))
    if found:
        draft.put(("instructions",), found.value, label("AGENT_INSTRUCTIONS"))
    else:
        draft.put(("instructions",), DEFAULTS["instructions"], "AGENT_INSTRUCTIONS is not set; write who the agent is")


def _livekit(draft: _Draft, assigned: Mapping[Path, Assignment], secrets: Sequence[SecretPart], label: Label) -> None:
    if address := assigned.get(("livekitURL",)):
        url = _address(draft, "LIVEKIT_URL", str(address.value), "so that the install's LiveKit is used")
        if url:
            draft.put(("livekit", "url"), url, label("LIVEKIT_URL"))
    part = next((one for one in secrets if one.name == LIVEKIT_SECRET), None)
    if part:
        named = " and ".join(entry.variable for entry in part.entries)
        draft.put(("livekit", "credentialsSecretRef"), {"name": part.name}, f"the Secret with {named}")
        absent = set(LIVEKIT_KEYS) - {entry.key for entry in part.entries}
        draft.notes += [f"{key} is not set; the Secret {part.name} needs it, too." for key in sorted(absent)]


def _address(draft: _Draft, variable: str, text: str, instead: str) -> str | None:
    """An address as pods may use it; None where they cannot. It is never shown where it is not taken."""
    pattern = LIVEKIT_URL_PATTERN if variable == "LIVEKIT_URL" else URL_PATTERN
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or not re.match(pattern, text):
        example = "wss://livekit.example.com" if variable == "LIVEKIT_URL" else "https://api.example.com/v1"
        draft.notes.append(f"{variable} is no address such as {example}; it was left out, {instead}.")
        return None
    if host in _LOOPBACK:
        draft.notes.append(
            f"{variable} names {host}, which in a pod is the pod itself; it was left out, {instead}. To keep that "
            "server, give an address of it that pods reach."
        )
        return None
    if "@" not in parts.netloc:
        return text
    draft.notes.append(
        f"{variable} has a user or a password in it; that part was left out, since a manifest is no secret."
    )
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _providers(
    draft: _Draft,
    made: Corrected,
    assigned: Mapping[Path, Assignment],
    secrets: Sequence[SecretPart],
    label: Label,
) -> None:
    parts = {part.name: part for part in secrets}
    base_url = made.variables.get(OPENAI_BASE_URL)
    if base_url and not any(provider_of(kind, made.variables) in _WITH_BASE_URL for kind in KINDS):
        draft.notes.append(f"{OPENAI_BASE_URL} was left out: none of the three providers is openai.")
    elif base_url:
        base_url = _address(draft, OPENAI_BASE_URL, base_url, "so that the install's or the provider's own is used")
    for kind in KINDS:
        prefix = kind.upper()
        name, default = provider_of(kind, made.variables), DEFAULTS["providers"][kind]
        entry = find_provider(kind, name)
        same = name == default["provider"]
        choice = f"{prefix}_PROVIDER"
        told = label(choice) if choice in made.variables else f"{label(choice)}: the default, as it is not set"
        draft.put(("providers", kind, "provider"), name, told)
        if model := assigned.get(("providers", kind, "model")):
            draft.put(("providers", kind, "model"), model.value, label(model.variable))
        elif same or entry:
            usual = default["model"] if same else entry.default_model if entry else ""
            draft.put(("providers", kind, "model"), usual, f"{prefix}_MODEL is not set: the usual one")
        if voice := assigned.get(("providers", kind, "voice")):
            draft.put(("providers", kind, "voice"), voice.value, label(voice.variable))
        elif same and "voice" in default:
            draft.put(("providers", kind, "voice"), default["voice"], "TTS_VOICE_ID is not set: the usual one")
        if base_url and name in _WITH_BASE_URL:
            draft.put(("providers", kind, "baseURL"), base_url, label(OPENAI_BASE_URL))
        if part := parts.get(name):
            keys = {credential.key for credential in entry.credentials} if entry else set()
            named = ", ".join(one.variable for one in part.entries if one.key in keys)
            if named:
                draft.put(("providers", kind, "credentialsSecretRef"), {"name": name}, f"the Secret with {named}")


def _judged(draft: _Draft, found: Assignment | None, label: Label) -> None:
    """Take over a value if its field takes it; else say so, and leave the field at its default."""
    if found is None:
        return
    model, path = _FIELDS[found.path]
    try:
        judged = model.model_validate({path[-1]: found.value})
    except ValidationError as error:
        why = str(error.errors()[0]["msg"]).partition(",")[0].replace("Input should be", "it must be")
        default = model().model_dump(by_alias=True)[path[-1]]
        kept = f"left at {str(default).lower() if default is True else default}"
        near = near_name(str(found.value), ("DEBUG", "INFO", "WARNING", "ERROR", *LEVELS)) if "level" in path else None
        hint = f' Did you mean "{near}"?' if near else ""
        draft.notes.append(
            f'{found.variable} is "{found.value}", which cannot be: {why}.{hint} spec.{".".join(path)} was {kept}.'
        )
        return
    draft.put(path, judged.model_dump(by_alias=True)[path[-1]], label(found.variable))


def _missing(chosen: Sequence[tuple[Any, str]], secrets: Sequence[SecretPart]) -> Iterator[tuple[str, str]]:
    there = {(part.name, entry.key) for part in secrets for entry in part.entries}
    for kind, name in chosen:
        entry = find_provider(kind, name)
        for credential in entry.credentials if entry else ():
            if credential.needed(None, frozenset()) and (name, credential.key) not in there:
                there.add((name, credential.key))
                yield name, credential.key
