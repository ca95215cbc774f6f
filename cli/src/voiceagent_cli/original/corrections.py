"""What the variables of a `.env` say of providers, models and plugins, made good against the catalogue. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from voiceagent_api.catalogue import PLUGINS, ProviderEntry, ProviderKind, find_plugin, find_provider
from voiceagent_api.environment import DEFAULTS, KINDS, plugin_names
from voiceagent_api.providers.retired import successor

from voiceagent_cli.names import model_note, near_name, providers_of


@dataclass(slots=True)
class Corrected:
    """The variables to go on with, and what was said of those that were changed or left out."""

    variables: dict[str, str]
    notes: list[str] = field(default_factory=list)
    doubts: dict[str, str] = field(default_factory=dict)
    """By variable: what to look at in the manifest, in a few words."""


def corrected(variables: Mapping[str, str], *, unlisted: bool) -> Corrected:
    """Names that the catalogue does not know become the nearest ones, or are left out; models only if retired.

    With `unlisted` names stay, as of an image that has more.
    """
    result = Corrected(dict(variables))
    for kind in KINDS:
        _provider(kind, result, unlisted)
        _model(kind, result)
    _voice(result)
    _plugins(result, unlisted)
    return result


def provider_of(kind: ProviderKind, variables: Mapping[str, str]) -> str:
    """The provider that the variables choose."""
    default: str = DEFAULTS["providers"][kind]["provider"]
    return variables.get(f"{kind.upper()}_PROVIDER", default).strip().lower()


def _provider(kind: ProviderKind, result: Corrected, unlisted: bool) -> None:
    variable = f"{kind.upper()}_PROVIDER"
    if variable not in result.variables:
        return
    name = provider_of(kind, result.variables)
    if unlisted or find_provider(kind, name):
        return
    known = [entry.name for entry in providers_of(kind)]
    listed = f"Known {kind} providers: {', '.join(known)}."
    if near := near_name(name, known):
        result.variables[variable] = near
        result.doubts[variable] = f'was "{name}", which is not known'
        result.notes.append(f'{variable} is "{name}", which is not known; the nearest, "{near}", was taken. {listed}')
        return
    default = DEFAULTS["providers"][kind]["provider"]
    del result.variables[variable]
    result.doubts[variable] = f'"{name}" is not known'
    said = f'{variable} is "{name}", which is not known, and no name is near; {default} was taken. {listed}'
    for more in (f"{kind.upper()}_MODEL", *(["TTS_VOICE_ID"] if kind == "tts" else [])):
        if result.variables.pop(more, None) is not None:
            said += f" {more}, which belongs to it, was left out."
    result.notes.append(f"{said} A provider of your own image needs --unlisted.")


def _model(kind: ProviderKind, result: Corrected) -> None:
    variable = f"{kind.upper()}_MODEL"
    entry = find_provider(kind, provider_of(kind, result.variables))
    model = result.variables.get(variable)
    if entry is None or model is None:
        return
    if newer := successor(kind, entry.name, model):
        result.variables[variable] = newer
        result.doubts[variable] = f'was "{model}", which {entry.name} has retired'
        result.notes.append(f'{variable} is "{model}", which {entry.name} has retired; "{newer}" was taken.')
    elif other := _elsewhere(entry, model):
        result.notes.append(f'{variable}: "{model}" is a model of {other}, not of {entry.name}. It was taken as it is.')
        result.doubts[variable] = f"is a model of {other}"
    elif note := model_note(entry, model):
        result.notes.append(f"{variable}: {note}")
        result.doubts[variable] = "is not among the models that this release knows"


def _elsewhere(entry: ProviderEntry, model: str) -> str | None:
    if not entry.models or model in (*entry.models, entry.default_model):
        return None
    return next((other.name for other in providers_of(entry.kind) if model in other.models), None)


def _voice(result: Corrected) -> None:
    voice = result.variables.get("TTS_VOICE_ID", "")
    if voice and provider_of("tts", result.variables) == "elevenlabs" and not (len(voice) == 20 and voice.isalnum()):
        result.doubts["TTS_VOICE_ID"] = "ElevenLabs wants a voice's id"
        result.notes.append(
            f'TTS_VOICE_ID is "{voice}". ElevenLabs knows voices by ids of 20 letters and digits; it was taken as it '
            "is. Put the voice's id in its place."
        )


def _plugins(result: Corrected, unlisted: bool) -> None:
    text = result.variables.get("ENABLED_PLUGINS")
    if text is None or unlisted:
        return
    kept = list(dict.fromkeys(_known_plugins(text, result)))
    if kept:
        result.variables["ENABLED_PLUGINS"] = ",".join(kept)
    else:
        del result.variables["ENABLED_PLUGINS"]


def _known_plugins(text: str, result: Corrected) -> Iterator[str]:
    known = [entry.name for entry in PLUGINS]
    for name in plugin_names(text):
        if find_plugin(name):
            yield name
            continue
        said = f'ENABLED_PLUGINS: "{name}" is not known to the worker image'
        listed = f"Known plugins: {', '.join(known)}. A plugin of your own image needs --unlisted."
        if near := near_name(name, known):
            result.notes.append(f'{said}; the nearest, "{near}", was taken. {listed}')
            result.doubts["ENABLED_PLUGINS"] = "some names were corrected"
            yield near
        else:
            result.notes.append(f"{said}, and no name is near; it was left out. {listed}")
