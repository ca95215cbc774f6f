"""By what the operator's fields are kept."""

from typing import Any

import pytest
from voiceagent_operator.managers import as_applied, created_by_us, essence

CREATED = {"manager": "voiceagent-operator", "operation": "Update", "fieldsV1": {"f:spec": {}}}
STATUS = {"manager": "voiceagent-operator", "operation": "Update", "subresource": "status"}
APPLIED = {"manager": "voiceagent-operator", "operation": "Apply", "fieldsV1": {"f:spec": {}}}
OTHERS = {"manager": "kube-controller-manager", "operation": "Update", "fieldsV1": {"f:status": {}}}


def body(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "7", "managedFields": list(entries)}}


@pytest.mark.parametrize(
    ("entries", "created"), [([], False), ([CREATED], True), ([STATUS], False), ([APPLIED], False), ([OTHERS], False)]
)
def test_only_what_the_operator_itself_created_is_its_own_by_creation(
    entries: list[dict[str, Any]], created: bool
) -> None:
    assert created_by_us(body(*entries)) is created
    assert created_by_us({"metadata": {"managedFields": essence(entries)}}) is created


def test_what_was_created_counts_as_applied_and_others_entries_stay() -> None:
    patch = as_applied(body(OTHERS, CREATED))
    assert patch == {"metadata": {"resourceVersion": "7", "managedFields": [OTHERS, APPLIED]}}
    assert not created_by_us(patch)
