"""Deepgram, and any server that speaks its WebSocket protocol.

`baseURL` is the root of the API and ends in `/v1`, as in https://api.deepgram.com/v1: `/listen` and `/speak`
are added here, since the plugin wants whole addresses. http or https: the plugin makes ws or wss of it.
"""

from typing import Any

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, APIConnectOptions, NotGivenOr
from livekit.plugins import deepgram
from livekit.plugins.deepgram.stt import SpeechStream
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options
from voiceagent_worker.providers.unheard import AttentiveStream, AttentiveSTT


class STT(AttentiveSTT, deepgram.STT):
    """The plugin's, which takes a server that answers pings and nothing else for a caller who is silent."""

    def stream(
        self, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> SpeechStream:
        """Transcripts of sound as it comes."""
        stream = _SpeechStream(
            stt=self,
            conn_options=conn_options,
            opts=self._sanitize_options(language=language),
            api_key=self._api_key,
            http_session=self._ensure_session(),
            base_url=self._opts.endpoint_url,
        )
        self._streams.add(stream)
        return stream


class _SpeechStream(AttentiveStream, SpeechStream):
    def _process_stream_event(self, data: dict[str, Any]) -> None:
        # also one without words: it listened, and there were none
        self._listening.understood()
        super()._process_stream_event(data)


def build_stt(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> STT:
    """Speech to text, streamed, with interim results."""
    options = {"language": language, **checked_options("stt", config)}
    return STT(model=config.model, api_key=credentials.api_key, **_address(config, "listen"), **options)


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
