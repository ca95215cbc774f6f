"""Answers as text: columns for people, JSON, YAML and names for programs. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from voiceagent_cli.differences import as_yaml

GAP: Final = "   "


class Format(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say, in every form."""

    value: Any
    """For programs."""
    headers: Sequence[str]
    """Of the columns; none where each row has its own heading in front."""
    rows: Sequence[Sequence[Any]]
    names: Sequence[str]

    def text(self, form: Format) -> str:
        """In one form, with a newline at the end where there is anything."""
        match form:
            case Format.JSON:
                return json.dumps(self.value, ensure_ascii=False, indent=2) + "\n"
            case Format.YAML:
                return as_yaml(self.value)
            case Format.NAME:
                return "".join(f"{name}\n" for name in self.names)
            case Format.TABLE:
                return columns([self.headers, *self.rows] if self.headers else self.rows)


def columns(rows: Sequence[Sequence[Any]]) -> str:
    """Rows with their cells one below the other; a cell of None is a hyphen."""
    texts = [[_cell(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*texts, strict=True)]
    lines = (GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in texts)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def age(seconds: float) -> str:
    """A span of time in its largest units, as kubectl writes it: 45s, 12m, 5h, 3d."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return " ".join(str(value).split())
