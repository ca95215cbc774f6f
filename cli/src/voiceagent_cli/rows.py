"""VoiceAgents, providers and plugins as answers. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from voiceagent_api.catalogue import PLUGINS, ProviderEntry
from voiceagent_api.names import GROUP, KIND

from voiceagent_cli.tables import Answer

TITLES: Final = {"stt": "STT", "llm": "LLM", "tts": "TTS", "realtime": "Realtime"}
TEXT_MAX: Final = 100
"""How much of a long text a table shows."""


def object_name(name: str) -> str:
    """How kubectl names a VoiceAgent."""
    return f"{KIND.lower()}.{GROUP}/{name}"


def agent_answer(document: Mapping[str, Any]) -> Answer:
    """One agent's settings."""
    spec = document.get("spec") or {}
    name = str((document.get("metadata") or {}).get("name", ""))
    rows = [("Name", name), ("Language", spec.get("language", "en"))]
    providers = spec.get("providers") or {}
    rows += [(title, _choice(providers[kind])) for kind, title in TITLES.items() if providers.get(kind)]
    rows += [
        ("Plugins", ", ".join(str(plugin.get("name")) for plugin in spec.get("plugins") or ()) or "none"),
        ("Tools", ", ".join(str(server.get("name")) for server in spec.get("mcpServers") or ()) or "none"),
        ("Greeting", _short(spec.get("greeting")) or "none"),
        ("Instructions", _short(spec.get("instructions")) or _reference(spec.get("instructionsFrom"))),
        ("Pods", _pods(spec)),
    ]
    return Answer(document, (), rows, [object_name(name)])


def providers_answer(entries: Iterable[ProviderEntry]) -> Answer:
    """The catalogue's providers."""
    listed = list(entries)
    headers = ("KIND", "PROVIDER", "DEFAULT MODEL", "DEFAULT VOICE", "KEY", "OTHER MODELS")
    rows = [
        (
            entry.kind,
            entry.name,
            entry.default_model,
            entry.default_voice,
            ", ".join(one.key for one in entry.credentials if not one.optional) or None,
            ", ".join(model for model in entry.models if model != entry.default_model) or None,
        )
        for entry in listed
    ]
    value = [
        {
            "kind": entry.kind,
            "name": entry.name,
            "defaultModel": entry.default_model,
            "models": list(entry.models),
            "defaultVoice": entry.default_voice,
            "credentials": [{"key": one.key, "optional": one.optional} for one in entry.credentials],
            "options": [option.name for option in entry.options],
        }
        for entry in listed
    ]
    return Answer(value, headers, rows, [f"{entry.kind}/{entry.name}" for entry in listed])


def plugins_answer(plugins: Sequence[Mapping[str, Any]]) -> Answer:
    """The plugins that an agent has, in their order, and those of the image that it could have."""
    used = [str(plugin.get("name")) for plugin in plugins]
    free = [entry.name for entry in PLUGINS if entry.name not in used]
    rows: list[tuple[Any, ...]] = [
        (
            place,
            plugin.get("name"),
            (plugin.get("webhook") or {}).get("url") or "image",
            f"{plugin.get('timeoutMilliseconds', 200)} ms",
            plugin.get("onError", "Skip"),
        )
        for place, plugin in enumerate(plugins, 1)
    ]
    rows += [("not used", name, "image", None, None) for name in free]
    value = {"plugins": [dict(plugin) for plugin in plugins], "available": free}
    return Answer(value, ("PLACE", "PLUGIN", "FROM", "TIMEOUT", "ON ERROR"), rows, used)


def _choice(choice: Mapping[str, Any]) -> str:
    text = " ".join(str(choice[name]) for name in ("provider", "model") if choice.get(name))
    if choice.get("voice"):
        text += f", voice {choice['voice']}"
    if choice.get("baseURL"):
        text += f", at {choice['baseURL']}"
    if choice.get("fallbacks"):
        text += "; then " + "; then ".join(_choice(one) for one in choice["fallbacks"])
    return text


def _pods(spec: Mapping[str, Any]) -> str:
    scaling = spec.get("scaling") or {}
    if spec.get("suspend"):
        return "none, suspended"
    if scaling.get("mode") == "Sessions":
        return f"{scaling.get('minReplicas', 1)} to {scaling.get('maxReplicas', 10)}, by its calls"
    return str(spec.get("replicas", 1))


def _short(text: Any) -> str:
    words = " ".join(str(text or "").split())
    return words if len(words) <= TEXT_MAX else words[: TEXT_MAX - 1] + "…"


def _reference(source: Any) -> str:
    reference = (source or {}).get("configMapKeyRef") or {}
    return f"from ConfigMap {reference.get('name')}, key {reference.get('key')}" if reference else "none"
