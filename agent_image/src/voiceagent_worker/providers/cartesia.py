"""Cartesia's voices. `baseURL` is the root of the API; http or https: the plugin makes ws or wss of it."""

from typing import Any

from livekit.plugins import cartesia
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options, given, root


def build_tts(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> cartesia.TTS:
    """Text to speech, streamed."""
    options: dict[str, Any] = {"language": language.split("-")[0], **checked_options("tts", config)}
    return cartesia.TTS(
        model=config.model, api_key=credentials.api_key, **given(voice=config.voice, base_url=root(config)), **options
    )
