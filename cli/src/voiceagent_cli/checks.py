"""Whether a manifest is right as a whole: types, names, rules. Pure; it needs no cluster.

What only a cluster knows (Secrets, names in use, the install's own providers) is the operator's to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from voiceagent_api.catalogue import find_provider, unknown_plugin_sentence, unknown_provider_sentence
from voiceagent_api.names import API_VERSION, KIND
from voiceagent_api.options import option_problems
from voiceagent_api.voiceagent import VoiceAgentSpec

from voiceagent_cli.edits import has_own_image
from voiceagent_cli.errors import invalid
from voiceagent_cli.names import KINDS
from voiceagent_cli.rules import Problem, broken_patterns, broken_rules, crd_schema, unknown_fields

_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "string_type": "must be text; numbers and yes or no need quotes",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}
"""What is said of pydantic's kinds of errors, where its own words speak to programmers."""


def check(document: Mapping[str, Any], where: str, *, unlisted: bool = False) -> None:
    """Raises CliError with every problem of a manifest, a line each. `unlisted` lets unknown names pass."""
    problems = problems_of(document, unlisted=unlisted)
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise invalid(f"{where} is not valid:\n{lines}")


def problems_of(document: Mapping[str, Any], *, unlisted: bool = False) -> list[Problem]:
    """What is wrong with a manifest; nothing where it is right."""
    problems = [*_head(document), *_shape(document)]
    spec, errors = _validated(document.get("spec"))
    places = {problem.path for problem in problems}
    problems += [error for error in errors if error.path not in places]
    if spec is not None and not problems:
        whole = {**document, "spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True)}
        problems += broken_rules(whole, crd_schema())
    if spec is not None and not unlisted and not has_own_image(document):
        problems += _unknown_names(spec)
    return problems


def _head(document: Mapping[str, Any]) -> Iterator[Problem]:
    if document.get("apiVersion") != API_VERSION:
        yield Problem("apiVersion", f"must be {API_VERSION}")
    if document.get("kind") != KIND:
        yield Problem("kind", f"must be {KIND}")
    meta = document.get("metadata")
    if not isinstance(meta, Mapping) or not isinstance(meta.get("name"), str) or not meta["name"]:
        yield Problem("metadata.name", "is missing")


def _shape(document: Mapping[str, Any]) -> list[Problem]:
    schema = crd_schema()
    return [*unknown_fields(document, schema), *broken_patterns(document, schema)]


def _validated(spec: Any) -> tuple[VoiceAgentSpec | None, list[Problem]]:
    if not isinstance(spec, Mapping):
        return None, [Problem("spec", "is missing" if spec is None else "must be an object")]
    try:
        return VoiceAgentSpec.model_validate(_without_null(spec), strict=True), []
    except ValidationError as error:
        told = [Problem(_path(one["loc"]), _words(one)) for one in error.errors(include_input=False, include_url=False)]
        return None, list({problem.path: problem for problem in reversed(told)}.values())[::-1]


def _path(location: Sequence[str | int]) -> str:
    path = "spec"
    for part in location:
        # the names that pydantic gives to the branches of a union are no fields
        if isinstance(part, int):
            path += f"[{part}]"
        elif part not in ("int", "str") and not part.startswith("constrained-"):
            path += f".{part}"
    return path


def _words(error: Mapping[str, Any]) -> str:
    kind = str(error["type"])
    if kind in _WORDS:
        return _WORDS[kind]
    message = str(error["msg"]).rstrip(".")
    if message.startswith("Input should be "):
        return f"must be {message.removeprefix('Input should be ')}"
    return message[0].lower() + message[1:]


def _without_null(value: Any) -> Any:
    """The API server takes null for left out."""
    if isinstance(value, Mapping):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    return [_without_null(item) for item in value] if isinstance(value, list) else value


def _unknown_names(spec: VoiceAgentSpec) -> Iterator[Problem]:
    for kind in KINDS:
        choice = getattr(spec.providers, kind)
        if choice is None:
            continue
        for field, one in ((kind, choice), *_fallbacks(kind, choice)):
            entry = find_provider(kind, one.provider)
            if entry is None:
                yield Problem("", unknown_provider_sentence(kind, one.provider, field))
            else:
                path = f"spec.providers.{field}.options"
                yield from (Problem(path, sentence) for sentence in option_problems(entry, one.options))
    for place, plugin in enumerate(spec.plugins):
        if plugin.webhook is None and (sentence := unknown_plugin_sentence(plugin.name)):
            yield Problem(f"spec.plugins[{place}].name", sentence)


def _fallbacks(kind: str, choice: Any) -> list[tuple[str, Any]]:
    return [(f"{kind}.fallbacks[{place}]", one) for place, one in enumerate(getattr(choice, "fallbacks", ()))]
