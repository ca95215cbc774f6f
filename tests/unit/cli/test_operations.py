"""The operations between two values lead from the one to the other."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from voiceagent_cli.operations import applied, json_patch, operations

names = st.text("ab/~", min_size=1, max_size=3)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(names, values, max_size=4)


@given(objects, objects, st.booleans())
def test_the_operations_lead_from_one_object_to_the_other(
    before: dict[str, Any], after: dict[str, Any], inside_lists: bool
) -> None:
    value = copy.deepcopy(before)
    for operation in operations(before, after, inside_lists=inside_lists):
        applied(value, copy.deepcopy(operation))
    assert value == after


def test_a_json_patch_asks_first_for_the_generation_that_was_looked_at() -> None:
    before = {"metadata": {"generation": 4}, "spec": {"a": 1, "b/c": {"d": [1]}, "e": 1}}
    after = {"metadata": {"generation": 4}, "spec": {"a": 2, "b/c": {"d": [1, 2]}, "f~": 1}}
    assert json_patch(before, after) == [
        {"op": "test", "path": "/metadata/generation", "value": 4},
        {"op": "remove", "path": "/spec/e"},
        {"op": "replace", "path": "/spec/a", "value": 2},
        {"op": "replace", "path": "/spec/b~1c/d", "value": [1, 2]},
        {"op": "add", "path": "/spec/f~0", "value": 1},
    ]
    assert json_patch(before, before) == []
