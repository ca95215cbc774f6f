"""Each value of the chart does what it says, and none is without a case."""

import functools
import json
from typing import Any

import pytest
import yaml
from chart import CHART, Loader, render_values
from chart_cases import ABSENT, Case, cases, find, nested
from voiceagent_api.chart_page import described_values, undescribed_values

VALUES = (CHART / "values.yaml").read_text(encoding="utf-8")
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
CASES: dict[str, Case] = dict(cases())
TESTED_ELSEWHERE = ("monitoring.",)
"""Groups whose tests are beside what they make."""
OPEN = {("global",)}
"""Parent charts put values of other charts there."""


@functools.cache
def rendered(values: str) -> list[dict[str, Any]]:
    return render_values(json.loads(values))


def seen(case: Case, values: dict[str, Any]) -> Any:
    documents = rendered(json.dumps(nested(values), sort_keys=True))
    return find(documents, case.place, lambda text: yaml.load(text, Loader))


def is_there(expected: Any, found: Any) -> bool:
    return bool(found is expected or found == expected or (isinstance(found, list) and expected in found))


def test_no_value_is_without_a_description() -> None:
    assert undescribed_values(VALUES) == []


def test_no_value_is_without_a_case_and_no_case_without_its_value() -> None:
    names = {value.name for value in described_values(VALUES)}
    assert {name for name in names if not name.startswith(TESTED_ELSEWHERE)} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_value_is_seen_where_it_should_be_and_was_not_there_before(name: str) -> None:
    case = CASES[name]
    assert not is_there(case.expected, seen(case, case.beside)), "the case shows nothing"
    found = seen(case, {**case.beside, name: case.value})
    assert is_there(case.expected, found), "nothing there" if found is ABSENT else found


def groups(node: dict[str, Any], path: tuple[str, ...] = ()) -> Any:
    if "$ref" in node:
        node = SCHEMA["definitions"][node["$ref"].rsplit("/", 1)[1]]
    if "properties" in node:
        yield path, node
        for name, inner in node["properties"].items():
            yield from groups(inner, (*path, name))
    elif isinstance(node.get("items"), dict):
        yield from groups(node["items"], (*path, "[]"))


def test_a_misspelt_value_is_refused_in_every_group() -> None:
    open_ones = {path for path, node in groups(SCHEMA) if node.get("additionalProperties") is not False}
    assert open_ones == OPEN


def test_every_value_has_a_type_and_no_type_is_without_its_value() -> None:
    def names(data: Any, node: dict[str, Any], path: tuple[str, ...]) -> Any:
        if "$ref" in node:
            node = SCHEMA["definitions"][node["$ref"].rsplit("/", 1)[1]]
        if "properties" in node and isinstance(data, dict):
            assert set(data) == set(node["properties"]), path
            for name, inner in node["properties"].items():
                names(data[name], inner, (*path, name))

    names(yaml.safe_load(VALUES), SCHEMA, ())
