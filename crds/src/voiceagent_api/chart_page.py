"""Makes the table of docs/chart.md from the chart's values: `python -m voiceagent_api.chart_page` prints the page.

A value is described by the comment above it that begins with `# --`, as helm-docs has it; its type is that of
values.schema.json. What stands outside the marks is written by hand and kept.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from voiceagent_api.generated import REPOSITORY, run
from voiceagent_api.schema import Schema

COMMITTED_FILE = REPOSITORY / "docs" / "chart.md"
CHART = REPOSITORY / "charts" / "voiceagent-operator"
BEGIN = "<!-- Made from values.yaml and values.schema.json by: make crds -->"
END = "<!-- End of what is made. -->"
MARK = "# -- "
LONGEST_DEFAULT = 60


@dataclass(frozen=True, slots=True)
class Value:
    """One value that a user may set."""

    path: tuple[str, ...]
    description: str
    default: Any

    @property
    def name(self) -> str:
        """As for --set."""
        return ".".join(self.path)


def described_values(text: str) -> list[Value]:
    """The values of a values.yaml that have a description, in its order. Pure."""
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    return list(_described(document, yaml.safe_load(text), (), text.splitlines()))


def undescribed_values(text: str) -> list[str]:
    """Values that nothing describes, neither above them nor above a group that they are in. Pure."""
    described = {value.path for value in described_values(text)}
    return [
        ".".join(path)
        for path in _leaves(yaml.safe_load(text), ())
        if not any(path[:length] in described for length in range(1, len(path) + 1))
    ]


def table(values: Sequence[Value], schema: Schema) -> str:
    """The values in rows, under a heading for each group. Pure."""
    groups: dict[str, list[Value]] = {"": []}
    for value in values:
        groups.setdefault(value.path[0] if len(value.path) > 1 else "", []).append(value)
    return "\n".join(line for name, group in groups.items() for line in _group(name, group, schema))


def chart_page() -> str:
    """The page, with its table made anew."""
    written = COMMITTED_FILE.read_text(encoding="utf-8")
    head, _, rest = written.partition(BEGIN)
    _, _, tail = rest.partition(END)
    values = described_values((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    return f"{head}{BEGIN}\n\n{table(values, schema)}\n{END}{tail}"


def _group(name: str, values: Sequence[Value], schema: Schema) -> Iterator[str]:
    yield f"### {f'`{name}`' if name else 'Of no group'}\n"
    yield "| value | type | default | what it does |"
    yield "| --- | --- | --- | --- |"
    for value in values:
        kind, default = _type(_schema_of(value.path, schema)), _default(value.default)
        yield f"| `{value.name}` | {kind} | {default} | {_cell(value.description)} |"
    yield ""


def _described(node: yaml.Node | None, data: Any, path: tuple[str, ...], lines: Sequence[str]) -> Iterator[Value]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        own = (*path, key.value)
        description = _comment_above(key.start_mark.line, lines)
        if description:
            yield Value(own, description, data[key.value])
        else:
            yield from _described(value, data[key.value], own, lines)


def _comment_above(line: int, lines: Sequence[str]) -> str:
    """The described part of the block of comments that ends just above a line."""
    block: list[str] = []
    while line and lines[line - 1].strip().startswith("#"):
        line -= 1
        text = lines[line].strip()
        if text.startswith(MARK):
            return " ".join([text.removeprefix(MARK), *reversed(block)])
        block.append(text.lstrip("# "))
    return ""


def _leaves(data: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(data, Mapping) and data:
        for key, value in data.items():
            yield from _leaves(value, (*path, key))
    else:
        yield path


def _schema_of(path: Sequence[str], schema: Schema) -> Schema:
    node = schema
    for name in path:
        node = _resolved(node, schema)["properties"][name]
    return _resolved(node, schema)


def _resolved(node: Schema, schema: Schema) -> Schema:
    named: str = node.get("$ref", "")
    return schema["definitions"][named.rsplit("/", 1)[1]] if named else node


def _type(node: Schema) -> str:
    if "enum" in node:
        return ", ".join(f"`{choice}`" if choice else "empty" for choice in node["enum"])
    if "anyOf" in node:
        return " or ".join(_type(choice) for choice in node["anyOf"])
    written = {"array": "list", "object": "map"}
    kinds: list[str] = node["type"] if isinstance(node["type"], list) else [node["type"]]
    told = " or ".join(written.get(kind, kind) for kind in kinds)
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
    return ", ".join([told, *(f"{words} {node[bound]}" for bound, words in bounds.items() if bound in node)])


def _default(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"`{_cell(text)}`" if len(text) <= LONGEST_DEFAULT else "see values.yaml"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the page, or check the committed one."""
    return run("voiceagent_api.chart_page", "The page of the chart", COMMITTED_FILE, chart_page, arguments)


if __name__ == "__main__":
    sys.exit(main())
