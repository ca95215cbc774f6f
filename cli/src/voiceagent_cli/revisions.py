"""An agent's history: the specs that the operator keeps in ControllerRevisions, and how to go back. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from voiceagent_cli.errors import CliError, Exit

HOW_MANY: Final = ("replicas", "scaling", "suspend")
"""What a revision does not keep: how many pods there are is no part of what ran."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A spec that was live."""

    number: int
    name: str
    made: str
    spec: Mapping[str, Any]


def revisions_of(agent: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> list[Revision]:
    """The agent's revisions, the newest last."""
    uid = agent["metadata"]["uid"]
    own = (
        item
        for item in items
        if any(owner.get("uid") == uid for owner in item["metadata"].get("ownerReferences") or ())
    )
    revisions = (
        Revision(
            number=int(item.get("revision") or 0),
            name=str(item["metadata"]["name"]),
            made=str(item["metadata"].get("creationTimestamp", "")),
            spec=(item.get("data") or {}).get("spec") or {},
        )
        for item in own
    )
    return sorted(revisions, key=lambda revision: revision.number)


def current_of(agent: Mapping[str, Any], revisions: Sequence[Revision]) -> Revision | None:
    """The revision that the agent's spec is now; None where the operator has not kept it yet."""
    now = kept(agent.get("spec") or {})
    return next((revision for revision in reversed(revisions) if revision.spec == now), None)


def choose(agent: Mapping[str, Any], revisions: Sequence[Revision], number: int | None) -> Revision:
    """The revision to go back to: that of the number, else the newest that differs from now. Raises CliError."""
    there = ", ".join(str(revision.number) for revision in revisions) or "none"
    if number is not None:
        found = next((revision for revision in revisions if revision.number == number), None)
        if found is None:
            raise CliError(f"There is no revision {number}. There are: {there}.", Exit.NOT_FOUND)
        return found
    now = kept(agent.get("spec") or {})
    found = next((revision for revision in reversed(revisions) if revision.spec != now), None)
    if found is None:
        raise CliError(f"There is no earlier revision to go back to. There are: {there}.", Exit.NOT_FOUND)
    return found


def with_revision(agent: Mapping[str, Any], revision: Revision) -> dict[str, Any]:
    """The agent with the revision's spec; how many pods there are stays as it is."""
    spec = agent.get("spec") or {}
    return {**agent, "spec": {**revision.spec, **{name: spec[name] for name in HOW_MANY if name in spec}}}


def kept(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a spec that a revision keeps."""
    return {name: value for name, value in spec.items() if name not in HOW_MANY}
