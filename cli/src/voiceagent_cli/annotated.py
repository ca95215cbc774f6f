"""YAML with a comment at each field that has something to say. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from voiceagent_cli.differences import OTHER_BREAKS, Quoting, inline

Path = tuple[str, ...]
_WIDTH: Final = 120


def annotated_yaml(value: Mapping[str, Any], comments: Mapping[Path, str]) -> str:
    """The value as YAML; a comment stands behind its field where both fit on a line, else above it."""
    shown = {path: _printable(comment) for path, comment in comments.items()}
    return "".join(_field(key, inner, (key,), shown) for key, inner in value.items())


def _printable(comment: str) -> str:
    """A comment may quote what somebody wrote; YAML allows no control characters, in comments neither."""
    return "".join(
        char if char == "\n" or char.isprintable() else char.encode("unicode_escape").decode() for char in comment
    )


def _field(key: str, value: Any, path: Path, comments: Mapping[Path, str]) -> str:
    indent = "  " * (len(path) - 1)
    comment = comments.get(path, "")
    if isinstance(value, Mapping) and value and any(one[: len(path)] == path and one != path for one in comments):
        inner = "".join(_field(name, one, (*path, name), comments) for name, one in value.items())
        return _above(comment, indent) + f"{indent}{key}:\n{inner}"
    if isinstance(value, str) and "\n" in value and not OTHER_BREAKS.search(value):
        text = yaml.dump({key: _Literal(value)}, Dumper=_Literals, allow_unicode=True, width=1 << 20)
        return _above(comment, indent) + "".join(
            f"{indent}{line}\n" if line else "\n" for line in text.removesuffix("\n").split("\n")
        )
    if isinstance(value, list) and value:
        lines = "".join(f"{indent}- {inline(one)}\n" for one in value)
        return _above(comment, indent) + f"{indent}{key}:\n{lines}"
    line = indent + (_scalar(key, value) if isinstance(value, str) else f"{key}: {inline(value)}")
    behind = f"{line}  # {comment}"
    if comment and "\n" not in comment and len(behind) <= _WIDTH:
        return behind + "\n"
    return _above(comment, indent) + line + "\n"


def _scalar(key: str, text: str) -> str:
    line: str = yaml.dump({key: text}, Dumper=Quoting, allow_unicode=True, width=1 << 20).removesuffix("\n")
    return f"{key}: {inline(text)}" if "\n" in line else line


def _above(comment: str, indent: str) -> str:
    return "".join(f"{indent}# {line}\n" for line in comment.splitlines())


class _Literal(str):
    """Text that is written over several lines."""


class _Literals(yaml.SafeDumper):
    """Writes such text as a block."""


_Literals.add_representer(
    _Literal, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|")
)
