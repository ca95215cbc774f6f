"""A `.env` file as python-dotenv reads it, with what is odd in it. Pure.

Of what is not in the file nothing is put in: `${HOME}` of the machine that the file came from is not that of this one.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from dotenv.parser import parse_stream
from dotenv.variables import Variable, parse_variables


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The variables of a file, in their order. Values may be keys: nobody but the mapping looks at them."""

    values: Mapping[str, str] = field(repr=False)
    raw: frozenset[str]
    """Those whose line is NAME=VALUE with nothing to take away, as kubectl reads such files."""
    notes: tuple[str, ...]
    """What could not be read as it stands, without any value."""


def parse_env(text: str) -> EnvFile:
    """The variables of a file's text; the last of several with one name counts."""
    values: dict[str, str] = {}
    raw: set[str] = set()
    notes: list[str] = []
    for binding in parse_stream(io.StringIO(text, newline="")):
        line = binding.original.line + _blank_lines(binding.original.string)
        if binding.error:
            notes.append(f"Line {line} is no assignment such as NAME=VALUE; it was left out.")
            continue
        if binding.key is None:
            continue
        if binding.value is None:
            notes.append(f"Line {line}: {binding.key} has no =; it was left out.")
            continue
        if binding.key in values:
            notes.append(f"{binding.key} is set more than once; the last one, on line {line}, counts.")
        value, missing = _resolved(binding.value, values)
        notes += [
            f"Line {line}: {binding.key} refers to {name}, which the file does not set; it was read as empty."
            for name in missing
        ]
        own = binding.original.string.removesuffix("\n").rpartition("\n")[2]
        if own == f"{binding.key}={value}" and binding.key not in values and not (line == 1 and text[0] == "\ufeff"):
            raw.add(binding.key)
        else:
            raw.discard(binding.key)
        values[binding.key] = value
    return EnvFile(values, frozenset(raw), tuple(notes))


def _resolved(value: str, known: Mapping[str, str]) -> tuple[str, list[str]]:
    atoms = list(parse_variables(value))
    missing = [
        atom.name for atom in atoms if isinstance(atom, Variable) and atom.name not in known and atom.default is None
    ]
    return "".join(atom.resolve(known) for atom in atoms), missing


def _blank_lines(text: str) -> int:
    """How many lines a binding takes in before its own."""
    blank = text[: len(text) - len(text.lstrip())]
    return blank.count("\n") + blank.replace("\r\n", "").count("\r")
