"""The JSON in which the single-machine system kept providers and plugins, as its variables. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from voiceagent_api.catalogue import ProviderKind, find_provider
from voiceagent_api.environment import KINDS

from voiceagent_cli.errors import invalid
from voiceagent_cli.names import nearest
from voiceagent_cli.original.corrections import provider_of

_OF_A_PROVIDER: Final = {
    "provider": "PROVIDER",
    "name": "PROVIDER",
    "model": "MODEL",
    "voice": "VOICE_ID",
    "voice_id": "VOICE_ID",
}
_OF_THE_AGENT: Final = {
    "instructions": "AGENT_INSTRUCTIONS",
    "agent_instructions": "AGENT_INSTRUCTIONS",
    "enable_metrics": "ENABLE_METRICS",
    "metrics_retention_hours": "METRICS_RETENTION_HOURS",
    "log_level": "LOG_LEVEL",
    "debug": "DEBUG",
    "livekit_url": "LIVEKIT_URL",
}
_PLUGINS: Final = ("plugins", "enabled_plugins")
_API_KEY: Final = "api_key"


@dataclass(frozen=True, slots=True)
class JsonConfig:
    """Its values as variables, where each stands in the file, and what was not understood."""

    values: Mapping[str, str] = field(repr=False)
    labels: Mapping[str, str]
    notes: tuple[str, ...]


def parse_json_config(text: str, where: str) -> JsonConfig:
    """The variables of a file's text. Raises CliError where it is no JSON object."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid(f"{where} is no JSON.") from None
    if not isinstance(document, dict):
        raise invalid(f"{where} must be a JSON object, with llm, stt, tts and plugins.")
    reader = _Reader(where)
    reader.read(document)
    return JsonConfig(reader.values, reader.labels, tuple(reader.notes))


class _Reader:
    def __init__(self, where: str) -> None:
        self._where = where
        self.values: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.notes: list[str] = []

    def read(self, document: Mapping[str, Any]) -> None:
        known = (*KINDS, "providers", *_PLUGINS, *_OF_THE_AGENT)
        for key, value in document.items():
            if key in KINDS:
                self._provider(key, value, key)
            elif key == "providers" and isinstance(value, dict):
                for kind, inner in value.items():
                    if kind in KINDS:
                        self._provider(kind, inner, f"providers.{kind}")
                    else:
                        self._unknown(f"providers.{kind}", nearest(kind, KINDS))
            elif key in _PLUGINS:
                self._plugins(value, key)
            elif key in _OF_THE_AGENT:
                self._put(_OF_THE_AGENT[key], value, key)
            else:
                self._unknown(key, nearest(key, known))

    def _provider(self, kind: ProviderKind, value: Any, place: str) -> None:
        if isinstance(value, str):
            self._put(f"{kind.upper()}_PROVIDER", value, place)
            return
        if not isinstance(value, dict):
            self._unknown(place, "It must be an object with provider and model. ")
            return
        for key, inner in value.items():
            name = _OF_A_PROVIDER.get(key)
            if name and (name != "VOICE_ID" or kind == "tts"):
                self._put(f"{kind.upper()}_{name}", inner, f"{place}.{key}")
            elif key != _API_KEY:
                self._unknown(f"{place}.{key}", nearest(key, (*_OF_A_PROVIDER, _API_KEY)))
        if _API_KEY in value:
            self._key(kind, value[_API_KEY], f"{place}.{_API_KEY}")

    def _key(self, kind: ProviderKind, value: Any, place: str) -> None:
        entry = find_provider(kind, provider_of(kind, self.values))
        if entry is None:
            self._unknown(place, "The provider is not known. ")
        else:
            self._put(entry.credential_key, value, place)

    def _plugins(self, value: Any, place: str) -> None:
        self._put("ENABLED_PLUGINS", ",".join(self._names(value, place)), place)

    def _names(self, value: Any, place: str) -> Iterator[str]:
        for index, one in enumerate(value if isinstance(value, list) else [value]):
            name = one.get("name") if isinstance(one, dict) else one
            if not isinstance(name, str):
                self._unknown(f"{place}[{index}]", "It has no name. ")
            elif isinstance(one, dict) and one.get("enabled") is False:
                self.notes.append(f'{self._where}: the plugin "{name}" is not enabled; it was left out.')
            else:
                yield name
                for key in one if isinstance(one, dict) else ():
                    if key not in ("name", "enabled"):
                        self._unknown(f"{place}[{index}].{key}", "")

    def _put(self, variable: str, value: Any, place: str) -> None:
        if value is None or isinstance(value, dict | list):
            self._unknown(place, "It must be text. " if value is not None else "")
            return
        self.values[variable] = value if isinstance(value, str) else json.dumps(value)
        self.labels[variable] = f"{place} in {self._where}"

    def _unknown(self, place: str, hint: str) -> None:
        self.notes.append(f"{self._where}: {place} was not understood. {hint}It was left out.")
