"""One VoiceAgent in several versions of the API: a hub that all others are changed to and from. Pure.

What a version cannot express is kept in an annotation of the object, with what stood in its place, and comes back on
the way back: no round trip loses anything. Where somebody changed the place meanwhile, the change wins.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from voiceagent_api.names import GROUP, KIND, VERSION

Object = dict[str, Any]
Change = Callable[[Object], Object]
ANNOTATION_KEPT: Final = f"{GROUP}/kept-by-conversion"
_PARTS: Final = ("spec", "status")
"""What versions may differ in. Of the metadata Kubernetes lets a conversion change labels and annotations only."""
_ABSENT: Final = object()


class ConversionError(Exception):
    """The object cannot be had in that version; the message is what the user of kubectl reads."""


@dataclass(frozen=True, slots=True)
class Spoke:
    """A version beside the hub. Both functions get a copy of spec and status and return what these are there."""

    name: str
    to_hub: Change
    from_hub: Change


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions of VoiceAgents."""

    hub: str
    spokes: tuple[Spoke, ...] = ()
    _by_name: dict[str, Spoke] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {spoke.name: spoke for spoke in self.spokes})

    @property
    def names(self) -> tuple[str, ...]:
        """The hub first."""
        return (self.hub, *self._by_name)

    def convert(self, item: Mapping[str, Any], wanted: str) -> Object:
        """The object in the version `wanted`, such as v1alpha1. Raises ConversionError."""
        given = self._version_of(item)
        if wanted not in self.names:
            raise ConversionError(f"VoiceAgents have no version {wanted}. There are: {', '.join(self.names)}.")
        result = deepcopy(dict(item))
        if given == wanted:
            return result
        if given != self.hub:
            spoke = self._by_name[given]
            result = _step(result, spoke.to_hub, spoke.from_hub, given, self.hub)
        if wanted != self.hub:
            spoke = self._by_name[wanted]
            result = _step(result, spoke.from_hub, spoke.to_hub, self.hub, wanted)
        return result

    def _version_of(self, item: Mapping[str, Any]) -> str:
        group, _, version = str(item.get("apiVersion", "")).partition("/")
        if item.get("kind") != KIND or group != GROUP or version not in self.names:
            raise ConversionError(
                f"{item.get('kind')} of {item.get('apiVersion')} is none that is converted here. There are "
                f"{KIND}s of {GROUP} in the versions {', '.join(self.names)}."
            )
        return version


VERSIONS: Final = Versions(VERSION)
"""Those of this release: one, so that nothing is converted."""


def _step(item: Object, change: Change, back: Change, given: str, wanted: str) -> Object:
    kept = _kept(item)
    source: Object = {part: item[part] for part in _PARTS if part in item}
    result = change(deepcopy(source))
    for path, stood, value in kept.pop(wanted, []):
        _restore(result, path, stood, value)
    lost = list(_differences(source, back(deepcopy(result)), ()))
    if lost:
        kept[given] = lost
    other = {key: value for key, value in item.items() if key not in _PARTS}
    converted = {**other, **result, "apiVersion": f"{GROUP}/{wanted}"}
    return _with_kept(converted, kept)


def _differences(wanted: Any, found: Any, path: tuple[str, ...]) -> Iterator[list[Any]]:
    """Where `found` is not as `wanted`: the place, what stands there, what is to stand there; [] for nothing."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted({*wanted, *found}):
            yield from _differences(wanted.get(key, _ABSENT), found.get(key, _ABSENT), (*path, key))
    elif wanted is _ABSENT or found is _ABSENT or not _same(wanted, found):
        yield [list(path), _boxed(found), _boxed(wanted)]


def _restore(result: Object, path: list[str], stood: list[Any], value: list[Any]) -> None:
    place: Any = result
    for part in path[:-1]:
        if not isinstance(place, dict) or not isinstance(place.get(part), dict):
            return
        place = place[part]
    if not _same(_boxed(place.get(path[-1], _ABSENT)), stood):
        return
    if value:
        place[path[-1]] = value[0]
    else:
        del place[path[-1]]


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1 there, and nor is 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _boxed(value: Any) -> list[Any]:
    return [] if value is _ABSENT else [value]


def _kept(item: Mapping[str, Any]) -> dict[str, Any]:
    text = ((item.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION_KEPT)
    try:
        kept = json.loads(text) if text else {}
        return {str(version): [[list(p), list(s), list(v)] for p, s, v in lost] for version, lost in kept.items()}
    except (ValueError, TypeError, AttributeError):
        raise ConversionError(
            f"The annotation {ANNOTATION_KEPT} is not as a conversion left it. Take it away, and set again what only "
            "the other version has."
        ) from None


def _with_kept(item: Object, kept: Mapping[str, Any]) -> Object:
    meta = dict(item.get("metadata") or {})
    annotations = {key: value for key, value in (meta.pop("annotations", None) or {}).items() if key != ANNOTATION_KEPT}
    if kept:
        annotations[ANNOTATION_KEPT] = json.dumps(kept, sort_keys=True, separators=(",", ":"))
    if annotations:
        meta["annotations"] = annotations
    return {**item, "metadata": meta}
