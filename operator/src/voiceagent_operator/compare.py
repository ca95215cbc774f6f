"""Whether a child is already as it should be, and whose it is. Pure.

The API server fills in defaults and others may add fields of their own, so a child is right when all that we
would write is in it, and when its stamp says that we last wrote just that: the stamp tells of fields that we
no longer want.
"""

import hashlib
import itertools
from typing import Any

import orjson
from voiceagent_api.names import ANNOTATION_APPLIED_HASH, KIND

from voiceagent_operator import reasons
from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.build.quantity import quantity_value
from voiceagent_operator.errors import Hindrance
from voiceagent_operator.objects import Key, Object, Owner

CONFLICT_RETRY_SECONDS = 5.0
"""A foreign object is not watched, so that its removal must be looked for."""

_AMOUNTS = frozenset({"requests", "limits"})


def stamped(desired: Object) -> Object:
    """The child with the hash of itself among its annotations."""
    digest = hashlib.sha256(orjson.dumps(desired, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    meta = desired["metadata"]
    marks = {**meta.get("annotations", {}), ANNOTATION_APPLIED_HASH: digest}
    return {**desired, "metadata": {**meta, "annotations": marks}}


def is_within(desired: Any, observed: Any, *, amounts: bool = False) -> bool:
    """Whether everything desired is in what was observed.

    Items of a list of objects may stand anywhere in it, since such lists are merged by key; lists of plain values
    must be equal. An empty desired value is in anything.
    """
    # Mostly equal, which is found out much faster than what is within what: a restart compares every child.
    if desired == observed or desired in (None, {}, []):
        return True
    if isinstance(desired, dict):
        if not isinstance(observed, dict):
            return False
        for key, value in desired.items():
            if not is_within(value, observed.get(key), amounts=amounts or key in _AMOUNTS):
                return False
        return True
    if isinstance(desired, list) and isinstance(desired[0], dict):
        return isinstance(observed, list) and all(
            is_within(item, there) or any(is_within(item, other) for other in observed)
            for item, there in itertools.zip_longest(desired, observed[: len(desired)])
        )
    return amounts and _same_amount(desired, observed)


def require_ownership(agent: VoiceAgent, kind: str, where: Key, owner: Owner | None) -> None:
    """Raise Hindrance if the object under a child's name is not this VoiceAgent's own: it is never seized."""
    if owner is not None and owner.uid == agent.uid:
        return
    if owner is not None and owner.name == agent.key.name:
        raise Hindrance(
            reasons.BEING_DELETED,
            f"{kind} {where} belongs to a deleted {KIND} of this name; waiting until it is gone.",
            retry_after_seconds=1.0,
            passes=True,
        )
    raise Hindrance(
        reasons.NAME_CONFLICT,
        f"{kind} {where} exists and is not this {KIND}'s, so that no pods are made. Rename one of the two, or "
        f"delete the other: kubectl --namespace {where.namespace} delete {kind.lower()} {where.name}",
        retry_after_seconds=CONFLICT_RETRY_SECONDS,
    )


def _same_amount(desired: Any, observed: Any) -> bool:
    try:
        return quantity_value(desired) == quantity_value(observed)
    except ValueError:
        return False
