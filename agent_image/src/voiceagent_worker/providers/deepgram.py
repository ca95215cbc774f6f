"""Deepgram, and any server that speaks its WebSocket protocol.

`baseURL` is the root of the API and ends in `/v1`, as in https://api.deepgram.com/v1: `/listen` and `/speak`
are added here, since the plugin wants whole addresses. http or https: the plugin makes ws or wss of it.
"""

from typing import Any

from livekit.plugins import deepgram
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options


def build_stt(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> deepgram.STT:
    """Speech to text, streamed, with interim results."""
    options = {"language": language, **checked_options("stt", config)}
    return deepgram.STT(model=config.model, api_key=credentials.api_key, **_address(config, "listen"), **options)


def build_tts(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> deepgram.TTS:
    """Text to speech, streamed. At Deepgram a voice is a model (aura-2-thalia-en): given both, voice wins."""
    return deepgram.TTS(
        model=config.voice or config.model,
        api_key=credentials.api_key,
        **_address(config, "speak"),
        **checked_options("tts", config),
    )


def _address(config: ProviderConfig, path: str) -> dict[str, Any]:
    return {} if config.base_url is None else {"base_url": f"{config.base_url.rstrip('/')}/{path}"}
