"""Turns a pydantic type into a structural schema: the part of OpenAPI that a CustomResourceDefinition may hold.

pydantic writes JSON Schema, of which an API server refuses a good deal: references, unions with null, `const`,
closed objects. This module knows nothing of VoiceAgents.
"""

from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]

PATTERN_SENTENCE = "x-pattern-sentence"
"""Beside a pattern: what the user reads where it does not hold. An API server would show the bare pattern."""

_DROPPED = frozenset({"title", "$defs", "examples", "discriminator"})


class _WithDefaultObjects(GenerateJsonSchema):
    """JSON Schema in which a left-out object defaults to one with all its fields' defaults.

    They are written out, since the API server holds an object's CEL rules against its bare default.
    """

    def get_default_value(self, schema: core_schema.WithDefaultSchema) -> Any:
        factory = schema.get("default_factory")
        if isinstance(factory, type) and issubclass(factory, BaseModel):
            return _without_empty(factory().model_dump(mode="json", by_alias=True, exclude_none=True))
        return super().get_default_value(schema)


def structural_schema(model: type[BaseModel]) -> Schema:
    """The structural schema of a type, with references resolved, nulls made optional and defaults kept."""
    generated: JsonSchemaValue = model.model_json_schema(by_alias=True, schema_generator=_WithDefaultObjects)
    return _convert(generated, generated.get("$defs", {}))


def _without_empty(value: Schema) -> Schema:
    """Empty lists and maps are as good as left out, and would only fill every stored object."""
    pruned = {key: _without_empty(item) if isinstance(item, dict) else item for key, item in value.items()}
    return {key: item for key, item in pruned.items() if item not in ({}, [])}


def _convert(node: Schema, definitions: dict[str, Schema]) -> Schema:
    node = _with_worded_pattern(_without_null(_without_reference(node, definitions), definitions))
    converted: Schema = {}
    for key, value in node.items():
        match key:
            case _ if key in _DROPPED or (key == "default" and value is None):
                continue
            case "const":
                converted["enum"] = [value]
            case "properties":
                converted[key] = {name: _convert(child, definitions) for name, child in value.items()}
            case "items":
                converted[key] = _convert(value, definitions)
            case "additionalProperties" if isinstance(value, dict):
                converted[key] = _convert(value, definitions)
            case "additionalProperties":
                if value:
                    converted["x-kubernetes-preserve-unknown-fields"] = True
            case "exclusiveMinimum" | "exclusiveMaximum":
                converted[key.removeprefix("exclusive").lower()] = value
                converted[key] = True
            case "uniqueItems":
                if value:
                    converted["x-kubernetes-list-type"] = "set"
            case _:
                converted[key] = value
    return converted


def _with_worded_pattern(node: Schema) -> Schema:
    """A pattern that has a sentence, as a rule that says it."""
    if PATTERN_SENTENCE not in node:
        return node
    rule = {"rule": f"self.matches(r'{node['pattern']}')", "message": node[PATTERN_SENTENCE]}
    rest = {key: value for key, value in node.items() if key not in ("pattern", PATTERN_SENTENCE)}
    return {**rest, "x-kubernetes-validations": [rule, *node.get("x-kubernetes-validations", ())]}


def _without_reference(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """The node with what it refers to in its place; what stands beside the reference wins."""
    if "$ref" not in node:
        return node
    target = definitions[cast(str, node["$ref"]).removeprefix("#/$defs/")]
    return {**target, **{key: value for key, value in node.items() if key != "$ref"}}


def _without_null(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """`X or null` as X: the field is optional because nothing requires it."""
    choices = node.get("anyOf")
    if choices is None or {"type": "null"} not in choices:
        return node
    kept = [choice for choice in choices if choice != {"type": "null"}]
    if len(kept) != 1:
        raise ValueError(f"A structural schema cannot hold a union of several types: {kept}")
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**_without_reference(kept[0], definitions), **rest}
