"""The CRD's own rules on a manifest, before any API server sees it: unknown fields, and what CEL rules ask. Pure.

Sentences and places come from the CRD's schema. Only the conditions are said once more here, in Python; a test finds
a rule of the CRD that has neither a twin here nor a place among those that are left to the API server.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from voiceagent_api.crd import custom_resource_definition
from voiceagent_api.names import NAME_MAX_LENGTH
from voiceagent_api.primitives import NAME_PATTERN
from voiceagent_api.voiceagent import INSTRUCTIONS_MAX_BYTES

from voiceagent_cli.names import nearest

Schema = Mapping[str, Any]
_RULES: Final = "x-kubernetes-validations"
_PATTERN: Final = re.compile(r"^self\.matches\(r'(.*)'\)$", re.DOTALL)
_AMOUNT: Final = re.compile(r"^type\(self\) == int \? self >= 0 : string\(self\)\.matches\(r'(.*)'\)$", re.DOTALL)
_OPEN: Final = "x-kubernetes-preserve-unknown-fields"
UNIQUE_NAMES: Final = "self.all(one, self.filter(other, other.name == one.name).size() == 1)"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and the field where."""

    path: str
    message: str

    def __str__(self) -> str:
        named = not self.path or self.message.startswith("spec.")
        return self.message if named else f"{self.path}: {self.message}"


def _has(name: str) -> Callable[[Any], bool]:
    return lambda value: value.get(name) is not None


TWINS: Final[Mapping[str, Callable[[Any], bool]]] = {
    f"size(self.metadata.name) <= {NAME_MAX_LENGTH}": lambda v: len(v["metadata"]["name"]) <= NAME_MAX_LENGTH,
    f"self.metadata.name.matches('{NAME_PATTERN}')": lambda v: bool(re.match(NAME_PATTERN, v["metadata"]["name"])),
    "self.spec.drain.timeoutSeconds >= self.spec.sessions.maxDurationSeconds": lambda v: (
        v["spec"]["drain"]["timeoutSeconds"] >= v["spec"]["sessions"]["maxDurationSeconds"]
    ),
    "has(self.instructions) != has(self.instructionsFrom)": lambda v: (
        _has("instructions")(v) != _has("instructionsFrom")(v)
    ),
    f"size(bytes(self)) <= {INSTRUCTIONS_MAX_BYTES}": lambda v: len(v.encode()) <= INSTRUCTIONS_MAX_BYTES,
    "has(self.realtime) || (has(self.stt) && has(self.llm) && has(self.tts))": lambda v: (
        _has("realtime")(v) or all(_has(kind)(v) for kind in ("stt", "llm", "tts"))
    ),
    "!has(self.realtime) || !(has(self.stt) || has(self.llm) || has(self.tts))": lambda v: (
        not _has("realtime")(v) or not any(_has(kind)(v) for kind in ("stt", "llm", "tts"))
    ),
    "self.minDelayMilliseconds <= self.maxDelayMilliseconds": lambda v: (
        v["minDelayMilliseconds"] <= v["maxDelayMilliseconds"]
    ),
    UNIQUE_NAMES: lambda v: max(Counter(one["name"] for one in v).values(), default=1) == 1,
    "self.minReplicas <= self.maxReplicas": lambda v: v["minReplicas"] <= v["maxReplicas"],
    "self.minReplicas > 0 || self.warmSessions == 0": lambda v: v["minReplicas"] > 0 or v["warmSessions"] == 0,
    "self.warmSessions <= self.maxReplicas * self.sessionsPerReplica": lambda v: (
        v["warmSessions"] <= v["maxReplicas"] * v["sessionsPerReplica"]
    ),
}
"""The rules that compare fields, by their CEL expressions."""


@cache
def crd_schema() -> Schema:
    """The schema of a VoiceAgent."""
    schema: Schema = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def unknown_fields(value: Any, schema: Schema, path: str = "") -> Iterator[Problem]:
    """Fields that there are not, each with the nearest that there is."""
    if isinstance(value, Mapping) and "properties" in schema and not schema.get(_OPEN):
        known = schema["properties"]
        for name, item in value.items():
            inner = f"{path}.{name}" if path else name
            if name in known:
                yield from unknown_fields(item, known[name], inner)
            elif path != "metadata" and path != "status":
                hint = nearest(name, list(known)) or f"Fields here: {', '.join(sorted(known))}. "
                yield Problem(inner, f"there is no such field. {hint.strip()}")
    elif isinstance(value, Sequence) and not isinstance(value, str) and "items" in schema:
        for place, item in enumerate(value):
            yield from unknown_fields(item, schema["items"], f"{path}[{place}]")


def broken_patterns(value: Any, schema: Schema, path: str = "") -> Iterator[Problem]:
    """Texts that have not the form that their field asks for."""
    for node, inner, rule in _rules(value, schema, path):
        match = _PATTERN.match(rule["rule"]) or _AMOUNT.match(rule["rule"])
        if match and isinstance(node, str) and not re.search(match[1], node):
            yield Problem(inner, rule["message"])


def broken_rules(value: Any, schema: Schema, path: str = "") -> Iterator[Problem]:
    """Fields that do not go together. `value` has its defaults filled in, and is of the right types."""
    for node, inner, rule in _rules(value, schema, path):
        twin = TWINS.get(rule["rule"])
        if twin is not None and not twin(node):
            yield Problem(rule.get("fieldPath", "").lstrip(".") or inner, rule["message"])


def _rules(value: Any, schema: Schema, path: str) -> Iterator[tuple[Any, str, Mapping[str, str]]]:
    """Every rule that applies to a value or to what is in it, with the part it is about and its path."""
    for rule in schema.get(_RULES, ()):
        yield value, path, rule
    if isinstance(value, Mapping):
        further = schema.get("additionalProperties")
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name, further)
            if isinstance(inner, Mapping) and item is not None:
                yield from _rules(item, inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and "items" in schema:
        for place, item in enumerate(value):
            yield from _rules(item, schema["items"], f"{path}[{place}]")
