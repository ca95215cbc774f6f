"""Reads PromQL as Prometheus' own grammar has it, and tells what asks for something that nobody tells. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser

TARGET_LABELS = frozenset({"job", "instance", "pod"})
"""What a scraper adds to each series."""
OPEN_LABELS = frozenset({"namespace", "agent", "code", "provider", "model", "plugin", "server", "revision", "problem"})
"""Labels whose values no code has in it; those of `problem` are held against the gateway's code elsewhere."""
Told = Mapping[str, Mapping[str, set[str]]]


class Wrong(Exception):
    """The query asks for what nobody tells; the message says what."""


def labels_of(query: str, told: Told) -> frozenset[str]:
    """The labels that the query's answer has. Raises Wrong."""
    try:
        expression = promql_parser.parse(query)
    except ValueError as error:
        raise Wrong(f"no PromQL: {error}") from error
    return frozenset(_labels(expression, told) or ())


def matched(query: str) -> Iterator[tuple[str, str]]:
    """Each label with each value that a query compares it with."""
    found: list[tuple[str, str]] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.extend((one.name, value) for one in node.matchers.matchers for value in one.value.split("|"))
        return True

    promql_parser.walk(promql_parser.parse(query), visit)
    yield from found


def _labels(node: Any, told: Told) -> frozenset[str] | None:
    """None for a number, which has no labels and goes with all."""
    match node:
        case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
            return None
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr() | promql_parser.SubqueryExpr():
            return _labels(node.expr, told)
        case promql_parser.MatrixSelector():
            return _labels(node.vector_selector, told)
        case promql_parser.VectorSelector():
            return _of_selector(node, told)
        case promql_parser.AggregateExpr():
            return _of_aggregate(node, told)
        case promql_parser.Call():
            return _of_call(node, told)
        case promql_parser.BinaryExpr():
            return _of_binary(node, told)
    raise Wrong(f"{type(node).__name__} is not understood by this check")


def _of_selector(node: Any, told: Told) -> frozenset[str]:
    if node.name not in told:
        raise Wrong(f"nobody tells {node.name}")
    known = told[node.name]
    for matcher in node.matchers.matchers:
        if matcher.name not in known and matcher.name not in TARGET_LABELS:
            raise Wrong(f"{node.name} has no label {matcher.name}")
        unknown = [
            value
            for value in matcher.value.split("|")
            if matcher.name not in OPEN_LABELS | TARGET_LABELS and value not in known[matcher.name]
        ]
        if unknown:
            raise Wrong(f"{matcher.name} of {node.name} is never {' or '.join(unknown)}")
    return frozenset(known) | TARGET_LABELS


def _of_aggregate(node: Any, told: Told) -> frozenset[str]:
    inner = _labels(node.expr, told) or frozenset()
    if node.modifier is None:
        return frozenset()
    named = frozenset(node.modifier.labels)
    if named - inner:
        raise Wrong(f"what is summed up has no label {', '.join(sorted(named - inner))}")
    return named if node.modifier.type == promql_parser.AggModifierType.By else inner - named


def _of_call(node: Any, told: Told) -> frozenset[str] | None:
    inner = [found for argument in node.args if (found := _labels(argument, told)) is not None]
    if node.func.name == "histogram_quantile":
        if "le" not in inner[0]:
            raise Wrong("histogram_quantile needs the label le")
        return inner[0] - {"le"}
    if node.func.name in ("vector", "absent"):
        return frozenset()
    return inner[0] if inner else None


def _of_binary(node: Any, told: Told) -> frozenset[str] | None:
    left, right = _labels(node.lhs, told), _labels(node.rhs, told)
    if left is None or right is None:
        return right if left is None else left
    if str(node.op) == "or":
        return left & right
    matching = node.modifier.matching if node.modifier else None
    if matching is None:
        if left != right:
            raise Wrong(f"both sides of {node.op} need the same labels: {sorted(left)}, {sorted(right)}")
    elif missing := set(matching.labels) - (left & right):
        raise Wrong(f"not both sides of {node.op} have the labels {sorted(missing)}")
    return left


def legend_labels(text: str) -> set[str]:
    """The labels that a legend or an annotation names."""
    return set(re.findall(r"{{\s*(?:\$labels\.)?([a-z_]+)\s*}}", text)) | set(re.findall(r"\$labels\.([a-z_]+)", text))
