"""What is made from the types is committed as they make it, and says what is needed."""

import json
from pathlib import Path
from types import ModuleType

import pytest
from voiceagent_api import chart_page, crd, providers_page, reference, values_schema

MADE = (crd, reference, values_schema, providers_page, chart_page)


@pytest.mark.parametrize("module", MADE, ids=lambda module: module.__name__)
def test_the_committed_file_has_not_drifted(module: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert module.main(["--check"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("module", MADE, ids=lambda module: module.__name__)
def test_drift_is_told_in_a_sentence(module: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drifted = tmp_path / "drifted"
    drifted.write_text(module.COMMITTED_FILE.read_text().replace("LiveKit", "x"))
    assert module.main(["--check", str(drifted)]) == 1
    assert capsys.readouterr().err.endswith(f"{drifted} has drifted from the types; run: make crds\n")


def test_the_reference_tells_of_each_field_of_the_schema() -> None:
    page = reference.reference_page()
    for field in ("spec.providers.llm.fallbacks[].model", "spec.podTemplate.env[].valueFrom", "status.latency.window"):
        assert f"| `{field}` |" in page


def test_the_charts_schema_takes_over_a_changed_bound() -> None:
    document = json.loads(values_schema.COMMITTED_FILE.read_text())
    document["properties"]["gateway"]["properties"]["tokenTTLSeconds"]["maximum"] = 7
    assert values_schema.values_schema(json.dumps(document)) == values_schema.COMMITTED_FILE.read_text()


VALUES = """
# How much.
# -- The size of the thing,
# in words.
size: small
group:
  # -- One | two.
  mode: {a: 1}
  bare: 7
"""


def test_the_charts_page_takes_descriptions_from_above_the_values() -> None:
    size, mode = chart_page.described_values(VALUES)
    assert (size.name, size.description, size.default) == ("size", "The size of the thing, in words.", "small")
    assert (mode.name, mode.default) == ("group.mode", {"a": 1})
    assert chart_page.undescribed_values(VALUES) == ["group.bare"]


def test_the_charts_page_has_a_group_for_each_group_and_types_from_the_schema() -> None:
    schema = {
        "definitions": {"mode": {"type": "object"}},
        "properties": {
            "size": {"enum": ["small", "big"]},
            "group": {"properties": {"mode": {"$ref": "#/definitions/mode"}}},
        },
    }
    table = chart_page.table(chart_page.described_values(VALUES), schema)
    assert '| `size` | `small`, `big` | `"small"` | The size of the thing, in words. |' in table
    assert "### `group`" in table
    assert '| `group.mode` | map | `{"a": 1}` | One \\| two. |' in table
