"""What a change changes, as lines for people. Pure."""

import difflib
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

_SHOWN_METADATA: Final = ("name", "namespace", "labels", "annotations")
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
OTHER_BREAKS: Final = re.compile("[\r\x85\u2028\u2029]")
"""What only some readers of YAML take for the end of a line."""
_NO_NUMBER: Final = re.compile(r"[-+]?(\.|0[box])?_")
CONTEXT_LINES: Final = 3


def difference(before: str, after: str, name: str) -> list[str]:
    """The lines of a unified diff; none where nothing differs."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{name} (now)", f"{name} (then)", lineterm="", n=CONTEXT_LINES
    )
    return list(lines)


def shown(item: Mapping[str, Any]) -> str:
    """An object of the API server as YAML, without what only the server writes."""
    meta = {key: value for key, value in item.get("metadata", {}).items() if key in _SHOWN_METADATA}
    annotations = {key: value for key, value in meta.get("annotations", {}).items() if key != _LAST_APPLIED}
    if annotations:
        meta["annotations"] = annotations
    else:
        meta.pop("annotations", None)
    kept = {
        "apiVersion": item.get("apiVersion"),
        "kind": item.get("kind"),
        "metadata": meta,
        "spec": item.get("spec", {}),
    }
    return as_yaml(kept)


def as_yaml(value: Any) -> str:
    """A value as YAML, its fields in their own order."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1 << 20)


def inline(value: Any) -> str:
    """A value as YAML within a line, also between brackets."""
    text = yaml.dump(
        [value], Dumper=Quoting, default_flow_style=True, sort_keys=False, allow_unicode=True, width=1 << 20
    )
    return str(text).strip()[1:-1]


class Quoting(yaml.SafeDumper):
    """Puts in quotes what readers of YAML 1.2 take for a number without a digit, such as -_, and escapes line ends."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if OTHER_BREAKS.search(text) else "'" if _NO_NUMBER.match(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Quoting.add_representer(str, _represent_text)
