"""OpenAI, and any server that speaks its HTTP protocol.

`baseURL` is the root of the API and ends in `/v1`, as in https://api.openai.com/v1: the plugin adds
`/audio/transcriptions`, `/chat/completions` and `/audio/speech`.
"""

import asyncio
from typing import Any, Final

# the SDK imports these at the first request, on the event loop; here they are part of the warm-up
import openai
import openai.resources.audio
import openai.resources.chat
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    APITimeoutError,
    NotGivenOr,
    stt,
    utils,
)
from livekit.plugins import openai as plugin
from livekit.plugins.openai.tts import ChunkedStream
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options, given, root
from voiceagent_worker.providers.patience import ImpatientStream
from voiceagent_worker.providers.tls import http_client

DEFAULT_VOICE: Final = "alloy"
"""Known to every speech model of OpenAI."""


class STT(plugin.STT):
    """The plugin's, ended when it takes too long: by itself it waits for 30 s."""

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: NotGivenOr[str | list[str]] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        try:
            async with asyncio.timeout(conn_options.timeout):
                return await super()._recognize_impl(buffer, language=language, conn_options=conn_options)
        except TimeoutError as error:
            raise APITimeoutError() from error


def build_stt(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> STT:
    """Speech to text, one request for each stretch of speech that the session's voice detection finds."""
    options = {"language": language, **checked_options("stt", config)}
    return STT(model=config.model, client=_client(config, credentials), **options)


def build_llm(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> plugin.LLM:
    """The language model; it learns the language from the instructions and the talk."""
    return plugin.LLM(model=config.model, client=_client(config, credentials), **checked_options("llm", config))


class TTS(plugin.TTS):
    """The plugin's, ended when it stalls."""

    def synthesize(self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> ChunkedStream:
        """One sentence or more."""
        return _Stream(tts=self, input_text=text, conn_options=conn_options)


class _Stream(ImpatientStream, ChunkedStream):
    pass


def build_tts(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> TTS:
    """Text to speech; it speaks the language of the text."""
    return TTS(
        model=config.model,
        voice=config.voice or DEFAULT_VOICE,
        client=_client(config, credentials),
        **checked_options("tts", config),
    )


def build_realtime(
    config: ProviderConfig, language: str, credentials: ProviderCredentials
) -> "plugin.realtime.RealtimeModel":  # quoted, since the name alone would import what late_packages puts off
    """One model that hears, thinks and speaks, over a WebSocket."""
    make: Any = plugin.realtime.RealtimeModel
    model: plugin.realtime.RealtimeModel = make(
        model=config.model,
        api_key=credentials.api_key,
        **given(voice=config.voice, base_url=root(config)),
        **checked_options("realtime", config),
    )
    return model


def _client(config: ProviderConfig, credentials: ProviderCredentials) -> openai.AsyncClient:
    # livekit-agents tries again by itself
    return openai.AsyncClient(
        api_key=credentials.api_key, base_url=root(config), max_retries=0, http_client=http_client()
    )
