"""The keys of the config file as dotted paths, such as providers.llm.model. Pure."""

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from voiceagent_api.agent_config import AgentConfig

from voiceagent_worker.errors import ConfigurationError


def dotted(path: tuple[str, ...]) -> str:
    """The key of a path."""
    return ".".join(path)


def flatten(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all values; a list is one value, and so is an empty object."""
    if isinstance(value, dict) and (value or not path):
        for key, inner in value.items():
            yield from flatten(inner, (*path, str(key)))
    else:
        yield path


def require_known(key: str) -> None:
    """Raise ConfigurationError, with the nearest key, for one that the config file does not have."""
    model: type[BaseModel] | None = AgentConfig
    walked: list[str] = []
    for part in key.split("."):
        if model is None:
            raise ConfigurationError(f'"{dotted(tuple(walked))}" has no keys below it.', "Set it as a whole.")
        known = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
        if part not in known:
            near = difflib.get_close_matches(part, known, n=1, cutoff=0.6)
            hint = f' Did you mean "{dotted((*walked, near[0]))}"?' if near else ""
            where = dotted(tuple(walked)) or "the config file"
            raise ConfigurationError(
                f'"{key}" is no key of the configuration.{hint}', f"Known in {where}: {', '.join(sorted(known))}."
            )
        walked.append(part)
        if _is_open(known[part]):
            return
        model = _model_of(known[part])


def _model_of(annotation: Any) -> type[BaseModel] | None:
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _is_open(annotation: Any) -> bool:
    """Whether any key may stand below."""
    return getattr(annotation, "__origin__", None) is dict
