"""Checks the options of a provider against its entry: a typing error becomes a sentence. Pure."""

import difflib
from collections.abc import Mapping
from typing import Any, Final

from voiceagent_api.providers.entries import Option, OptionType, ProviderEntry

OWN_FIELDS: Final = {
    "api_key": "credentialsSecretRef",
    "base_url": "baseURL",
    "model": "model",
    "model_name": "model",
    "voice": "voice",
    "voice_id": "voice",
    "voice_name": "voice",
}
"""Set by fields of their own; an option of that name would contradict one."""
_WORDS: Final[dict[OptionType, str]] = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "list": "a list",
    "object": "an object",
}
_TYPES: Final[dict[OptionType, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "list": (list, tuple),
    "object": (dict,),
}


def option_problems(entry: ProviderEntry, options: Mapping[str, Any]) -> list[str]:
    """What is wrong with the options, a sentence each. Values are never shown: one may be a key in the wrong place."""
    if entry.third_party and not entry.options:
        return []
    known = {option.name: option for option in entry.options}
    found = (_problem(entry, known, name, value) for name, value in options.items())
    return [sentence for sentence in found if sentence]


def _problem(entry: ProviderEntry, known: Mapping[str, Option], name: str, value: Any) -> str | None:
    where = f'The option "{name}" of the {entry.kind} provider "{entry.name}"'
    if name in known:
        wrong = _value_problem(known[name], value)
        return f"{where} {wrong}." if wrong else None
    if name in OWN_FIELDS:
        return f"{where} has a field of its own: set {OWN_FIELDS[name]} instead."
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    return f"{where} is not known.{hint} Known options: {', '.join(sorted(known)) or 'none'}."


def _value_problem(option: Option, value: Any) -> str | None:
    # true is a whole number to Python, and to nobody else
    right = isinstance(value, _TYPES[option.type]) and isinstance(value, bool) == (option.type == "boolean")
    if option.type == "integer" and isinstance(value, float) and value.is_integer():
        right = True
    if not right:
        return f"must be {_WORDS[option.type]}"
    if option.choices and value not in option.choices:
        return f"must be one of {', '.join(option.choices)}"
    if option.minimum is not None and value < option.minimum:
        return f"must be at least {option.minimum:g}"
    if option.maximum is not None and value > option.maximum:
        return f"must be at most {option.maximum:g}"
    return None
