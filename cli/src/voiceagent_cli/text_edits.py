"""Changes a YAML text at one place and leaves every other character as it is. Pure.

A YAML writer, even one that keeps comments, would put a whole file in its own form. Here only the lines of what
changes are touched. What is written in a way that is not covered raises NotCoveredError; whoever calls compares what
the changed text says with what it should say.
"""

import json
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from voiceagent_cli.differences import inline
from voiceagent_cli.operations import Operation, Path

_WIDE = 1 << 20


class NotCoveredError(Exception):
    """The text is written in a way that is not changed here."""


def edited(text: str, operation: Operation) -> str:
    """The text after one operation. Raises NotCoveredError."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise NotCoveredError from error
    *way, last = operation.path
    parent = _at(root, tuple(way))
    if isinstance(parent, MappingNode) and isinstance(last, str):
        return _edit_mapping(_Block(text, parent), last, operation)
    if isinstance(parent, SequenceNode) and isinstance(last, int):
        return _edit_sequence(_Block(text, parent), last, operation)
    raise NotCoveredError


@dataclass(frozen=True, slots=True)
class _Block:
    """A collection within a text."""

    text: str
    node: Any

    @property
    def flow(self) -> bool:
        return bool(self.node.flow_style)

    def line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        """Behind the newline of the line that the index is on."""
        found = self.text.find("\n", index)
        return len(self.text) if found < 0 else found + 1

    def put(self, start: int, end: int, new: str) -> str:
        return self.text[:start] + new + self.text[end:]

    def put_lines(self, at: int, new: str) -> str:
        """Whole lines, at the start of a line."""
        head = self.text[:at]
        if head and not head.endswith("\n"):
            return head + "\n" + new.rstrip("\n") + self.text[at:]
        return head + new + self.text[at:]

    def behind(self, node: Node) -> int:
        """The start of the line behind the last one of a node."""
        end = _end(node)
        return end if end > 0 and self.text[end - 1] == "\n" else self.line_end(end)

    def begins_line(self, index: int) -> bool:
        return not self.text[self.line_start(index) : index].strip(" ")


def _edit_mapping(block: _Block, name: str, operation: Operation) -> str:
    pairs: list[tuple[Node, Node]] = block.node.value
    place = next((place for place, (key, _) in enumerate(pairs) if key.value == name), None)
    if operation.kind == "add":
        return _add_field(block, pairs, name, operation)
    if place is None:
        raise NotCoveredError
    key, value = pairs[place]
    if operation.kind == "replace" and _over_lines(value):
        return block.put(_end(key), block.behind(value), f": {inline(operation.value)}\n")
    if operation.kind == "replace":
        return _replace(block, value, operation.value)
    if block.flow:
        spans = [(one.start_mark.index, _end(other)) for one, other in pairs]
        return block.put(*_flow_span(spans, place), "")
    if not block.begins_line(key.start_mark.index) or len(pairs) == 1:
        raise NotCoveredError
    return block.put(block.line_start(key.start_mark.index), block.behind(value), "")


def _add_field(block: _Block, pairs: list[tuple[Node, Node]], name: str, operation: Operation) -> str:
    names = [key.value for key, _ in pairs]
    if block.flow:
        entry = f"{name}: {inline(operation.value)}"
        if not pairs:
            return block.put(block.node.start_mark.index + 1, block.node.start_mark.index + 1, entry)
        if operation.behind not in names:
            start = pairs[0][0].start_mark.index
            return block.put(start, start, f"{entry}, ")
        end = _end(pairs[names.index(operation.behind)][1])
        return block.put(end, end, f", {entry}")
    if not pairs:
        raise NotCoveredError
    column = pairs[0][0].start_mark.column
    lines = _lines({name: operation.value}, column)
    if operation.behind in names:
        return block.put_lines(block.behind(pairs[names.index(operation.behind)][1]), lines)
    start = pairs[0][0].start_mark.index
    if not block.begins_line(start):
        raise NotCoveredError
    return block.put_lines(block.line_start(start), lines)


def _edit_sequence(block: _Block, place: int, operation: Operation) -> str:
    items: list[Node] = block.node.value
    if operation.kind == "replace":
        return _replace(block, items[place], operation.value)
    if block.flow:
        return _edit_flow_sequence(block, items, place, operation)
    dashes = [block.text.rfind("-", 0, item.start_mark.index + 1) for item in items]
    if not items or not all(block.begins_line(dash) for dash in dashes):
        raise NotCoveredError
    if operation.kind == "remove":
        return block.put(block.line_start(dashes[place]), block.behind(items[place]), "")
    lines = _lines([operation.value], dashes[0] - block.line_start(dashes[0]))
    return block.put_lines(block.behind(items[place - 1]) if place else _above_comments(block, dashes[0]), lines)


def _edit_flow_sequence(block: _Block, items: list[Node], place: int, operation: Operation) -> str:
    if operation.kind == "remove":
        return block.put(*_flow_span([(item.start_mark.index, _end(item)) for item in items], place), "")
    new = inline(operation.value)
    if not items:
        return block.put(block.node.start_mark.index + 1, block.node.start_mark.index + 1, new)
    if place == 0:
        start = items[0].start_mark.index
        return block.put(start, start, f"{new}, ")
    end = _end(items[place - 1])
    return block.put(end, end, f", {new}")


def _replace(block: _Block, old: Node, value: Any) -> str:
    if _over_lines(old):
        raise NotCoveredError
    start, end = old.start_mark.index, _end(old)
    quote = old.style if isinstance(old, ScalarNode) and isinstance(value, str) else None
    new = json.dumps(value, ensure_ascii=False) if quote == '"' else inline(value)
    if quote == "'" and "'" not in value:
        new = f"'{value}'"
    return block.put(start, end, new if start != end else f" {new}")


def _over_lines(node: Node) -> bool:
    """Whether it is written with a line for each of its parts."""
    return node.style in ("|", ">") if isinstance(node, ScalarNode) else not getattr(node, "flow_style", False)


def _above_comments(block: _Block, index: int) -> int:
    """The start of the comments that stand above a line."""
    start = block.line_start(index)
    while start:
        above = block.line_start(start - 1)
        if not block.text[above:start].lstrip().startswith("#"):
            break
        start = above
    return start


def _flow_span(spans: list[tuple[int, int]], place: int) -> tuple[int, int]:
    """What to take out for an entry between commas."""
    start, end = spans[place]
    if place + 1 < len(spans):
        return start, spans[place + 1][0]
    return (spans[place - 1][1], end) if place else (start, end)


def _at(node: Node | None, path: Path) -> Node | None:
    for step in path:
        if isinstance(node, MappingNode) and isinstance(step, str):
            node = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            return None
    return node


def _end(node: Node) -> int:
    """Where a node's own text ends; a block's mark would stand behind the comments that follow it."""
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        key, value = node.value[-1]
        return max(_end(key), _end(value))
    if isinstance(node, SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _lines(value: Any, column: int) -> str:
    text = yaml.safe_dump(value, default_flow_style=False, sort_keys=False, allow_unicode=True, width=_WIDE)
    return "".join(" " * column + line for line in text.splitlines(keepends=True))
