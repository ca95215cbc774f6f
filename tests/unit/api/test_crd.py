"""The committed CRD belongs to the types, and is what an API server can take."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from voiceagent_api.base import Model
from voiceagent_api.crd import COMMITTED_FILE, crd_yaml, custom_resource_definition, main
from voiceagent_api.names import KIND
from voiceagent_api.schema import structural_schema
from voiceagent_api.voiceagent import VoiceAgentSpec

EXAMPLES = sorted(
    path
    for path in (COMMITTED_FILE.parent / "examples").glob("*.yaml")
    if yaml.safe_load(path.read_text(encoding="utf-8"))["kind"] == KIND
)
UNSTRUCTURAL = {"$ref", "$defs", "const", "title", "discriminator", "prefixItems", "uniqueItems", "oneOf", "allOf"}


def root_schema() -> dict[str, Any]:
    version = custom_resource_definition()["spec"]["versions"][0]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return schema


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            yield from nodes(schema[part], f"{path}[]")


def test_the_committed_file_has_not_drifted_from_the_types() -> None:
    assert COMMITTED_FILE.read_text(encoding="utf-8") == crd_yaml()


def test_check_is_silent_on_the_committed_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_check_tells_of_drift_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drifted = tmp_path / "crd.yaml"
    drifted.write_text(crd_yaml().replace("receptionist", "x").replace("maxLength: 4096", "maxLength: 1"))
    assert main(["--check", str(drifted)]) == 1
    assert capsys.readouterr().err == (f"The CRD file {drifted} has drifted from the types; run: make crds\n")


def test_check_tells_of_a_missing_file_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", str(tmp_path / "none.yaml")]) == 1
    assert "cannot be read: No such file or directory." in capsys.readouterr().err


def test_the_printed_file_is_the_definition(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == custom_resource_definition()


@pytest.mark.parametrize(("path", "node"), list(nodes(root_schema())), ids=lambda value: value if value else "root")
def test_each_part_of_the_schema_is_structural_and_described(path: str, node: dict[str, Any]) -> None:
    assert not UNSTRUCTURAL & node.keys()
    if "x-kubernetes-int-or-string" not in node:
        assert "type" in node
        assert "anyOf" not in node
    if path not in (".metadata", ".metadata.name") and not path.endswith("[]"):
        assert node.get("description"), path
    if node.get("type") == "object" and not isinstance(node.get("additionalProperties"), dict | None):
        assert node.get("x-kubernetes-preserve-unknown-fields")


def test_left_out_objects_have_their_defaults_written_out_and_empty_ones_stay_empty() -> None:
    spec = root_schema()["properties"]["spec"]["properties"]
    assert spec["drain"]["default"] == {"timeoutSeconds": 3600}
    assert spec["turnDetection"]["default"]["endpointing"] == {
        "minDelayMilliseconds": 500,
        "maxDelayMilliseconds": 3000,
    }
    for name in ("livekit", "resources", "podTemplate"):
        assert spec[name]["default"] == {}


def test_free_options_are_preserved_and_conditions_are_a_map_by_type() -> None:
    properties = root_schema()["properties"]
    options = properties["spec"]["properties"]["providers"]["properties"]["llm"]["properties"]["options"]
    assert options["x-kubernetes-preserve-unknown-fields"] is True
    conditions = properties["status"]["properties"]["conditions"]
    assert (conditions["x-kubernetes-list-type"], conditions["x-kubernetes-list-map-keys"]) == ("map", ["type"])


def test_a_union_of_several_types_cannot_be_converted() -> None:
    class Ambiguous(Model):
        field: int | str | None = None

    with pytest.raises(ValueError, match="cannot hold a union"):
        structural_schema(Ambiguous)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid_and_names_no_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert VoiceAgentSpec.model_validate(yaml.safe_load(text)["spec"])
    assert "://" not in text
