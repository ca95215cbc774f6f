"""ElevenLabs' voices. `baseURL` is the root of the API and ends in /v1; a voice is an id, not a name."""

from typing import Any, Final

from livekit.plugins import elevenlabs
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options, given, root

TAKE_LANGUAGE: Final = ("eleven_turbo_v2_5", "eleven_flash_v2_5", "eleven_v3", "eleven_v4")
"""What models begin with that take a language; the others refuse one."""
VOICE_SETTINGS: Final = ("stability", "similarity_boost", "style", "speed", "use_speaker_boost")


def build_tts(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> elevenlabs.TTS:
    """Text to speech, streamed."""
    spoken = {"language": language.split("-")[0]} if config.model.startswith(TAKE_LANGUAGE) else {}
    options: dict[str, Any] = {**spoken, **checked_options("tts", config)}
    if "voice_settings" in options:
        options["voice_settings"] = _voice_settings(options["voice_settings"])
    return elevenlabs.TTS(
        model=config.model,
        api_key=credentials.api_key,
        **given(voice_id=config.voice, base_url=root(config)),
        **options,
    )


def _voice_settings(given: dict[str, Any]) -> elevenlabs.VoiceSettings:
    unknown = sorted(set(given) - set(VOICE_SETTINGS))
    missing = sorted({"stability", "similarity_boost"} - set(given))
    if unknown or missing:
        wrong = f"knows no {unknown[0]}" if unknown else f"lacks {missing[0]}"
        raise ConfigurationError(
            f'The option "voice_settings" of the tts provider "elevenlabs" {wrong}.',
            f"It takes {', '.join(VOICE_SETTINGS)}.",
        )
    return elevenlabs.VoiceSettings(**given)
