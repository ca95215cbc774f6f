"""The configuration, built in layers: defaults, the config file, the environment, explicit arguments. Pure.

Each later layer wins. The result is one immutable AgentConfig and, for each value, the layer that it came from.
A value that cannot be used falls back to the layer below where that is safe, and is told of; elsewhere it is an error.
"""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import ValidationError
from voiceagent_api.agent_config import AgentConfig
from voiceagent_api.environment import DEFAULTS, Assignment, assignments_of, ignored_variables
from voiceagent_api.names import ENV_NAMESPACE, default_agent_name

from voiceagent_worker.config_keys import dotted, flatten, require_known
from voiceagent_worker.errors import ConfigurationError

Layer = Literal["default", "file", "environment", "argument"]
Path = tuple[str, ...]

SAFE_FIELDS: Final = frozenset(
    {
        "greeting",
        "language",
        "turnDetection",
        "maxSessionSeconds",
        "metricsRetentionHours",
        "logLevel",
        "logFormat",
    }
)
"""Whose default makes an agent that still is the one that was asked for. Everything else decides who the agent is,
whom it reaches, what it may say or what is kept of it: a guess would be worse than no agent."""

WITHOUT_FILE: Final[dict[str, Any]] = {"namespace": "default", "name": "agent", **DEFAULTS}
"""The agent of a worker that has no config file; LiveKit's address has no default."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from: the layer and, in words, the place in it."""

    layer: Layer
    place: str = ""

    def __str__(self) -> str:
        return self.place or self.layer


DEFAULT: Final = Origin("default")


@dataclass(frozen=True, slots=True)
class Layers:
    """What lies above the file: the environment, and arguments as dotted keys of the config file."""

    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that was passed over, and in which layer it stands."""

    layer: Layer
    sentence: str


@dataclass(frozen=True, slots=True)
class Composition:
    """The configuration and its story."""

    config: AgentConfig
    origins: Mapping[str, Origin]
    """By dotted key, for each value that no default gave."""
    problems: tuple[Problem, ...] = ()


def compose(file: Mapping[str, Any] | None, file_name: str, layers: Layers) -> Composition:
    """The configuration of these layers; `file` is None where there is none.

    Raises ConfigurationError with the place of each value that cannot be used and has no safe default.
    """
    stack = _Stack()
    if file is None:
        stack.values = deepcopy(WITHOUT_FILE)
        if namespace := layers.environment.get(ENV_NAMESPACE):
            stack.assign(Assignment(("namespace",), namespace), Origin("environment", f"env {ENV_NAMESPACE}"))
    else:
        stack.values = deepcopy(dict(file))
        for path in flatten(stack.values):
            stack.origins[path] = Origin("file", f"file {file_name}")
    ignored = ignored_variables(layers.environment, stack.values)
    for one in list(assignments_of(layers.environment, stack.values)):
        stack.assign(one, Origin("environment", f"env {one.variable}"))
    for key, text in layers.arguments.items():
        require_known(key)
        stack.assign(Assignment(tuple(key.split(".")), _value(text)), Origin("argument", f"--set {key}"))
    if file is None and "agentName" not in stack.values:
        stack.values["agentName"] = default_agent_name(stack.values["namespace"], stack.values["name"])
    config, problems = _settle(stack, file_name, with_file=file is not None)
    passed_over = [
        Problem("environment", f"{name} is passed over: the config file has a realtime provider in place of the three.")
        for name in ignored
    ]
    origins = {dotted(path): origin for path, origin in stack.origins.items()}
    return Composition(config, origins, (*problems, *passed_over))


def _settle(stack: "_Stack", file_name: str, *, with_file: bool) -> tuple[AgentConfig, tuple[Problem, ...]]:
    problems: list[Problem] = []
    while True:
        try:
            return AgentConfig.model_validate(stack.values), tuple(problems)
        except ValidationError as error:
            wrong = [(_path(one["loc"]), one["msg"]) for one in error.errors()]
        unsafe = [(path, text) for path, text in wrong if not path or path[0] not in SAFE_FIELDS]
        if unsafe:
            raise _unsafe(unsafe, stack, file_name, with_file) from None
        for path, text in wrong:
            origin = stack.take_back(path)
            problems.append(
                Problem(origin.layer, f"{dotted(path)} ({origin}) is wrong: {text}. {_fallback(path, stack)}")
            )


def _unsafe(wrong: list[tuple[Path, str]], stack: "_Stack", file_name: str, with_file: bool) -> ConfigurationError:
    listed = "; ".join(f"{dotted(path) or 'the whole'}: {text}{_elsewhere(path, stack)}" for path, text in wrong[:5])
    if with_file:
        return ConfigurationError(f"The agent's config file {file_name} is wrong at {listed}.")
    if wrong[0][0] == ("livekitURL",):
        return ConfigurationError(
            f"There is no config file {file_name}, and the environment does not say which LiveKit server to use.",
            "Set LIVEKIT_URL, or give a config file with --config.",
        )
    return ConfigurationError(f"Without a config file the configuration is wrong at {listed}.")


def _elsewhere(path: Path, stack: "_Stack") -> str:
    origin = stack.origin(path)
    return f" ({origin})" if origin.layer in ("environment", "argument") else ""


def _fallback(path: Path, stack: "_Stack") -> str:
    origin = stack.origin(path)
    return "Its default is used." if origin is DEFAULT else f"The value of {origin} is used."


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _path(location: tuple[int | str, ...]) -> Path:
    return tuple(str(part) for part in location)


@dataclass(slots=True)
class _Stack:
    """The values as they stand, and what each assignment covered."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, Origin] = field(default_factory=dict)
    _covered: list[tuple[Path, Any, dict[Path, Origin]]] = field(default_factory=list)

    def assign(self, one: Assignment, origin: Origin) -> None:
        """Put a value on top."""
        below = {path: known for path, known in self.origins.items() if path[: len(one.path)] == one.path}
        self._covered.append((one.path, _get(self.values, one.path), below))
        self.origins = {path: known for path, known in self.origins.items() if path not in below}
        _put(self.values, one.path, one.value)
        for leaf in flatten(one.value, one.path):
            self.origins[leaf] = origin

    def take_back(self, wrong: Path) -> Origin:
        """Uncover what lies below a wrong value; where the wrong one came from."""
        origin = self.origin(wrong)
        for index in reversed(range(len(self._covered))):
            path, value, origins = self._covered[index]
            if wrong[: len(path)] == path:
                del self._covered[index]
                self._forget(path)
                if value is not _MISSING:
                    _put(self.values, path, value)
                self.origins.update(origins)
                return origin
        # of the file: as much of the place as there is in it
        while wrong and _get(self.values, wrong) is _MISSING:
            wrong = wrong[:-1]
        self._forget(wrong)
        return origin

    def origin(self, path: Path) -> Origin:
        """Of the value there, or of the whole that it is part of."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return next((origin for known, origin in self.origins.items() if known[: len(path)] == path), DEFAULT)

    def _forget(self, path: Path) -> None:
        parent = _get(self.values, path[:-1])
        if isinstance(parent, dict):
            parent.pop(path[-1], None)
        self.origins = {known: origin for known, origin in self.origins.items() if known[: len(path)] != path}


_MISSING: Final = object()


def _get(values: Any, path: Path) -> Any:
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return _MISSING
        values = values[part]
    return values


def _put(values: dict[str, Any], path: Path, value: Any) -> None:
    for part in path[:-1]:
        inner = values.get(part)
        if not isinstance(inner, dict):
            inner = values[part] = {}
        values = inner
    values[path[-1]] = value


def all_values(config: AgentConfig) -> Iterator[tuple[str, Any]]:
    """Each value of a configuration by its dotted key, in the file's order."""
    data = config.model_dump(mode="json", by_alias=True)
    for path in flatten(data):
        yield dotted(path), _get(data, path)
