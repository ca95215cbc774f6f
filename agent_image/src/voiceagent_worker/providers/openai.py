"""OpenAI, and any server that speaks its HTTP protocol.

`baseURL` is the root of the API and ends in `/v1`, as in https://api.openai.com/v1: the plugin adds
`/audio/transcriptions`, `/chat/completions` and `/audio/speech`.
"""

from typing import Any, Final

# the SDK imports these at the first request, on the event loop; here they are part of the warm-up
import openai.resources.audio
import openai.resources.chat  # noqa: F401
from livekit.plugins import openai as plugin
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.providers.options import checked_options

DEFAULT_VOICE: Final = "alloy"
"""Known to every speech model of OpenAI."""


def build_stt(config: ProviderConfig, language: str, api_key: str) -> plugin.STT:
    """Speech to text, one request for each stretch of speech that the session's voice detection finds."""
    options = {"language": language, **checked_options("stt", config, plugin.STT)}
    return plugin.STT(model=config.model, api_key=api_key, **_address(config), **options)


def build_llm(config: ProviderConfig, language: str, api_key: str) -> plugin.LLM:
    """The language model; it learns the language from the instructions and the talk."""
    return plugin.LLM(
        model=config.model, api_key=api_key, **_address(config), **checked_options("llm", config, plugin.LLM)
    )


def build_tts(config: ProviderConfig, language: str, api_key: str) -> plugin.TTS:
    """Text to speech; it speaks the language of the text."""
    return plugin.TTS(
        model=config.model,
        voice=config.voice or DEFAULT_VOICE,
        api_key=api_key,
        **_address(config),
        **checked_options("tts", config, plugin.TTS),
    )


def _address(config: ProviderConfig) -> dict[str, Any]:
    # left out rather than None: the plugin then takes OpenAI's own address
    return {} if config.base_url is None else {"base_url": config.base_url.rstrip("/")}
