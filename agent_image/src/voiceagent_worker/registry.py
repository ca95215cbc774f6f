"""Which providers this image has: those of the catalogue, and those that its packages bring.

A package brings one by an entry point of the group `voiceagent.providers`, named KIND.NAME (as `tts.acme`), whose
object is a factory: `build(config: ProviderConfig, language: str, credentials: ProviderCredentials)`. Of that only
the package's metadata is read here; it is imported when a session needs it.
"""

import functools
import logging
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from typing import Final, cast, get_args

from voiceagent_api.catalogue import ProviderEntry, ProviderKind, find_provider, unknown_provider_sentence
from voiceagent_api.providers.entries import third_party_entry

logger = logging.getLogger(__name__)

GROUP: Final = "voiceagent.providers"
FULL_REMEDY: Final = (
    "Use its full variant: worker.image.variant=full in the values of the install's chart, or the image worker-full in "
    "spec.image; without an image, install voiceagent-worker[full]."
)


def find_entry(kind: ProviderKind, name: str) -> ProviderEntry | None:
    """The entry of that kind and name; the catalogue's own is never replaced."""
    return find_provider(kind, name) or third_party().get((kind, name))


def unknown_sentence(kind: ProviderKind, name: str) -> str:
    """What to tell who asked for a provider that this image does not have."""
    return unknown_provider_sentence(
        kind, name, more=(entry.name for key, entry in third_party().items() if key[0] == kind)
    )


def missing_package(entry: ProviderEntry) -> str | None:
    """What to tell who asked for a provider whose package this image lacks; None where it has it. Imports nothing.

    What to do about it is FULL_REMEDY.
    """
    if not entry.package:
        return None
    try:
        distribution(entry.package)
    except PackageNotFoundError:
        return lacks(entry, entry.package)
    return None


def lacks(entry: ProviderEntry, what: str) -> str:
    """That this image has not what a provider needs."""
    return f'The {entry.kind} provider "{entry.name}" needs {what}, which this worker image lacks.'


@functools.cache
def third_party() -> dict[tuple[ProviderKind, str], ProviderEntry]:
    """The providers that this image's packages bring, by kind and name."""
    found: dict[tuple[ProviderKind, str], ProviderEntry] = {}
    for point in entry_points(group=GROUP):
        kind, _, name = point.name.partition(".")
        if kind not in get_args(ProviderKind) or not name or ":" not in point.value:
            logger.warning(
                "The entry point %s of %s is passed over: it must be named KIND.NAME, as tts.acme, and be a function",
                point.name,
                GROUP,
            )
            continue
        known = cast(ProviderKind, kind)
        found[known, name] = third_party_entry(known, name, point.value)
    return found
