"""Which writes an object's fields are kept under. Pure.

What is created belongs to its manager by "Update", what is applied by "Apply", and the API server keeps the two
apart: an apply would take away nothing that was created. So the first change of a created object renames the entry,
as kubectl does for objects that were not made by server-side apply.
"""

from collections.abc import Mapping
from typing import Any

from voiceagent_api.names import FIELD_MANAGER

from voiceagent_operator.objects import Object, metadata


def created_by_us(body: Mapping[str, Any]) -> bool:
    """Whether fields of an object are the operator's by creation."""
    return any(_is_ours(entry) for entry in metadata(body).get("managedFields") or ())


def essence(managed_fields: list[Object] | None) -> list[Object]:
    """As much of an object's managers as `created_by_us` asks for."""
    return [{key: entry[key] for key in ("manager", "operation")} for entry in managed_fields or () if _is_ours(entry)]


def as_applied(body: Object) -> Object:
    """The merge patch by which what the operator created counts as applied, if nothing was written in between."""
    meta = metadata(body)
    entries = [{**entry, "operation": "Apply"} if _is_ours(entry) else entry for entry in meta["managedFields"]]
    return {"metadata": {"resourceVersion": meta["resourceVersion"], "managedFields": entries}}


def _is_ours(entry: Mapping[str, Any]) -> bool:
    return (entry.get("manager"), entry.get("operation"), entry.get("subresource", "")) == (FIELD_MANAGER, "Update", "")
