"""The operations that turn one value into another: just what differs. Pure.

They serve twice: as a JSON Patch for the API server, and as places in a file's text.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One change at one place."""

    kind: Literal["add", "remove", "replace"]
    path: Path
    value: Any = None
    behind: str | None = None
    """For a field that is added: the field that it comes behind; None where it is the first."""


def operations(before: Any, after: Any, path: Path = (), *, inside_lists: bool = False) -> Iterator[Operation]:
    """What to do to `before`, in order. Lists are replaced as a whole, unless `inside_lists`."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _of_fields(before, after, path, inside_lists)
    elif inside_lists and isinstance(before, list) and isinstance(after, list) and after:
        yield from _of_items(before, after, path)
    else:
        yield Operation("replace", path, after)


def applied(value: Any, operation: Operation) -> None:
    """Carry an operation out on a value of mappings and lists, in place."""
    *way, last = operation.path
    parent = value
    for step in way:
        parent = parent[step]
    if operation.kind == "remove":
        del parent[last]
    elif operation.kind == "add" and isinstance(last, int):
        parent.insert(last, operation.value)
    else:
        parent[last] = operation.value


def json_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The JSON Patch (RFC 6902) from one VoiceAgent's spec to another's; empty where nothing differs.

    It begins by asking for the spec to be still the one that was looked at, by metadata.generation.
    """
    steps = [_step(operation) for operation in operations(before.get("spec", {}), after.get("spec", {}), ("spec",))]
    if not steps:
        return []
    return [{"op": "test", "path": "/metadata/generation", "value": before["metadata"]["generation"]}, *steps]


def _of_fields(
    before: Mapping[str, Any], after: Mapping[str, Any], path: Path, inside_lists: bool
) -> Iterator[Operation]:
    for name in before:
        if name not in after:
            yield Operation("remove", (*path, name))
    behind = None
    for name, value in after.items():
        if name in before:
            yield from operations(before[name], value, (*path, name), inside_lists=inside_lists)
        else:
            yield Operation("add", (*path, name), value, behind)
        behind = name


def _of_items(before: Sequence[Any], after: Sequence[Any], path: Path) -> Iterator[Operation]:
    most = min(len(before), len(after))
    start = next((place for place in range(most) if before[place] != after[place]), most)
    end = next((back for back in range(most - start) if before[-1 - back] != after[-1 - back]), most - start)
    new = len(after) - end - start
    # The new ones come first: between, a list that is written over lines may not be empty.
    for place in range(start, start + new):
        yield Operation("add", (*path, place), after[place])
    for place in reversed(range(start + new, len(before) - end + new)):
        yield Operation("remove", (*path, place))


def _step(operation: Operation) -> dict[str, Any]:
    path = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in operation.path)
    value = {} if operation.kind == "remove" else {"value": operation.value}
    return {"op": operation.kind, "path": path, **value}
