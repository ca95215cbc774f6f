"""YAML files whose comments, quotes and other documents stay as they are. Pure: texts in, texts out.

Only the places that change are written anew; all else in a file is kept to the byte.
"""

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.representer import RoundTripRepresenter
from voiceagent_api.names import KIND

from voiceagent_cli.errors import CliError, invalid
from voiceagent_cli.operations import Operation, applied, operations
from voiceagent_cli.text_edits import NotCoveredError, edited

_MARKER: Final = re.compile(r"^---[ \t]*(#.*)?(\n|\Z)", re.MULTILINE)
_SEQUENCE: Final = re.compile(r"^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)- ", re.MULTILINE)
_WIDTH: Final = 1 << 20
"""So that no long line is broken which was none before."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A file's text, and the VoiceAgent in it that is meant."""

    before: str
    own: str
    """The VoiceAgent's part."""
    after: str
    document: Mapping[str, Any]
    """What that part says."""
    where: str

    def with_document(self, document: Mapping[str, Any]) -> "Manifest":
        """The file with the VoiceAgent changed. Raises CliError where it is written too oddly for that."""
        steps = list(operations(self.document, document, inside_lists=True))
        for write in (_edited, _rewritten):
            with suppress(CliError, NotCoveredError):
                own = write(self.own, steps)
                if plain(parse(own, self.where)) == document:
                    return replace(self, own=own, document=document)
        raise invalid(f"{self.where} is written in a way that cannot be changed here; change it in an editor.")

    @property
    def text(self) -> str:
        """The whole file."""
        return self.before + self.own + self.after


def find_agents(text: str, where: str) -> list[Manifest]:
    """The VoiceAgents of a file. Raises CliError where there is none."""
    found: list[Manifest] = []
    for start, end in _parts(text):
        own = text[start:end]
        document = parse(own, where, text.count("\n", 0, start))
        if isinstance(document, Mapping) and document.get("kind") == KIND:
            found.append(Manifest(text[:start], own, text[end:], plain(document), where))
    if not found:
        raise invalid(f"{where} has no VoiceAgent: no document in it has kind: {KIND}.")
    return found


def find_agent(text: str, name: str | None, where: str) -> Manifest:
    """The VoiceAgent of that name in a file; without a name, the only one. Raises CliError."""
    found = find_agents(text, where)
    names = ", ".join(_name(one.document) for one in found)
    if name is not None:
        found = [one for one in found if _name(one.document) == name]
        if not found:
            raise invalid(f'{where} has no VoiceAgent "{name}". It has: {names}.')
    if len(found) > 1:
        raise invalid(f"{where} has several VoiceAgents: {names}. Say which by --agent NAME.")
    return found[0]


def parse(text: str, where: str, lines_before: int = 0) -> Any:
    """What a YAML document says. Raises CliError with the line."""
    try:
        return _yaml(text).load(text)
    except MarkedYAMLError as error:
        line = lines_before + (error.problem_mark.line if error.problem_mark else 0) + 1
        raise invalid(f"{where}, line {line}: this is no YAML: {error.problem or error.context}.") from None
    except (IndexError, ValueError):
        # ruamel takes -_ for a number, and then finds no digit
        said = f"{where} has a word that looks like a number or a date and is none, such as -_ or 2026-13-01"
        raise invalid(f"{said}; put it in quotes.") from None
    except (YAMLError, RecursionError):
        raise invalid(f"{where} is no YAML.") from None


def plain(value: Any) -> Any:
    """The value without anything that remembers comments or styles."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value if value is None else str(value)


def _parts(text: str) -> list[tuple[int, int]]:
    """Where each document begins and ends, without the lines of hyphens between them."""
    edges = [0]
    for marker in _MARKER.finditer(text):
        edges += [marker.start(), marker.end()]
    edges.append(len(text))
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if text[start:end].strip()]


def _name(document: Mapping[str, Any]) -> str:
    meta = document.get("metadata")
    return str(meta.get("name", "")) if isinstance(meta, Mapping) else ""


def _edited(own: str, steps: Sequence[Operation]) -> str:
    """The text with only the places changed that differ. Raises NotCoveredError."""
    for step in steps:
        own = edited(own, step)
    return own


def _rewritten(own: str, steps: Sequence[Operation]) -> str:
    """The text put in ruamel.yaml's form, which keeps most comments."""
    document = _yaml(own).load(own)
    for step in steps:
        applied(document, step)
    stream = io.StringIO()
    _yaml(own).dump(document, stream)
    return stream.getvalue()


def _yaml(like: str) -> YAML:
    yaml = YAML(typ="rt")
    yaml.Representer = _Representer
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    offset = next((len(inner) - len(outer) for outer, inner in _SEQUENCE.findall(like)), 0)
    yaml.indent(mapping=2, sequence=2 + max(offset, 0), offset=max(offset, 0))
    return yaml


class _Representer(RoundTripRepresenter):
    """Writes null as such: an empty value reads like something forgotten."""


_Representer.add_representer(
    type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
)
