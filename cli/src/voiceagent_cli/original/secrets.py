"""The keys of a `.env` as Secrets, and the commands that make them without showing a value. Pure."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from voiceagent_api.catalogue import CATALOGUE, ProviderKind, find_provider
from voiceagent_api.names import LIVEKIT_API_KEY, LIVEKIT_API_SECRET

LIVEKIT_SECRET: Final = "livekit"  # noqa: S105 (a Secret's name)
"""The name that the chart gives it by default."""
LIVEKIT_KEYS: Final = (LIVEKIT_API_KEY, LIVEKIT_API_SECRET)
OTHER_NAMES: Final[Mapping[str, str]] = {
    "ELEVENLABS_API_KEY": "ELEVEN_API_KEY",
    "XI_API_KEY": "ELEVEN_API_KEY",
    "CO_API_KEY": "COHERE_API_KEY",
    "GEMINI_API_KEY": "GOOGLE_API_KEY",
    "AZURE_SPEECH_API_KEY": "AZURE_SPEECH_KEY",
}
"""Names under which other programs read the same keys."""
PROVIDER_KEYS: Final = frozenset(
    credential.key for entry in CATALOGUE for credential in entry.credentials if credential.key != "API_KEY"
)
"""Every variable that may hold a provider's key; that of openai_compatible has too common a name to mean anything."""
FILES: Final = frozenset(credential.key for entry in CATALOGUE for credential in entry.credentials if credential.file)
"""Those that name a file, which is the credential."""


@dataclass(frozen=True, slots=True)
class SecretEntry:
    """A key of a Secret, and the variable whose value it gets."""

    key: str
    variable: str
    is_file: bool = False
    """The variable names a file, whose content it gets."""


@dataclass(frozen=True, slots=True)
class SecretPart:
    """A Secret to make."""

    name: str
    entries: tuple[SecretEntry, ...]


def holds_a_key(variable: str) -> bool:
    """Whether the variable's value is never to be shown."""
    return OTHER_NAMES.get(variable, variable) in PROVIDER_KEYS | set(LIVEKIT_KEYS) and variable not in FILES


def secret_parts(chosen: Iterable[tuple[ProviderKind, str]], variables: Mapping[str, str]) -> list[SecretPart]:
    """The Secrets of LiveKit and of the chosen providers, as far as the variables have their keys."""
    sources = {OTHER_NAMES.get(name, name): name for name in variables if name in OTHER_NAMES} | {
        name: name for name in variables
    }
    wanted: dict[str, dict[str, SecretEntry]] = {}
    for key in LIVEKIT_KEYS:
        if key in sources:
            wanted.setdefault(LIVEKIT_SECRET, {})[key] = SecretEntry(key, key)
    for kind, name in chosen:
        entry = find_provider(kind, name)
        for credential in entry.credentials if entry else ():
            if credential.key in sources and credential.key in PROVIDER_KEYS:
                found = SecretEntry(credential.key, sources[credential.key], credential.file)
                wanted.setdefault(name, {})[credential.key] = found
    return [SecretPart(name, tuple(entries.values())) for name, entries in wanted.items()]


def commands(
    parts: Sequence[SecretPart], file: str, raw: frozenset[str], paths: Mapping[str, str], namespace: str | None
) -> Iterator[str]:
    """The command for each Secret. Lines that kubectl can read go to it through sed, which shows none of them.

    `raw` are the variables with such lines, `paths` the files that variables name.
    """
    place = f" -n {shlex.quote(namespace)}" if namespace else ""
    for part in parts:
        texts = [entry for entry in part.entries if not entry.is_file]
        files = [entry for entry in part.entries if entry.is_file]
        piped = all(entry.variable in raw for entry in texts) and bool(texts) and not files
        make = f"kubectl create secret generic {part.name}{place}"
        if piped:
            yield f"{_lines(texts)} {shlex.quote(file)} | {make} --from-env-file=/dev/stdin"
        else:
            values = [f"--from-literal={entry.key}=…" for entry in texts]
            values += [f"--from-file={entry.key}={shlex.quote(paths[entry.variable])}" for entry in files]
            yield f"{make} {' '.join(values)}"


def _lines(entries: Sequence[SecretEntry]) -> str:
    """The sed that prints the lines of these variables under the names of their keys."""
    steps = "; ".join(
        f"s/^{entry.variable}=/{'&' if entry.key == entry.variable else f'{entry.key}='}/p" for entry in entries
    )
    return f"sed -n '{steps}'"
