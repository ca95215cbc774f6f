"""Azure's speech services. `baseURL` is the resource's whole endpoint for the kind, else the region says where."""

from copy import deepcopy
from typing import Any, Final
from xml.sax.saxutils import escape

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectionError,
    APIConnectOptions,
    APIStatusError,
    APITimeoutError,
    LanguageCode,
    NotGivenOr,
    utils,
)
from livekit.plugins import azure
from livekit.plugins.azure.stt import SpeechStream
from livekit.plugins.azure.tts import ChunkedStream, ProsodyConfig, StyleConfig
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options, given
from voiceagent_worker.providers.patience import ImpatientStream
from voiceagent_worker.providers.unheard import AttentiveStream, AttentiveSTT

STATUSES: Final = {
    "AuthenticationFailure": 401,
    "Forbidden": 403,
    "BadRequest": 400,
    "TooManyRequests": 429,
    "ServiceError": 500,
    "ServiceUnavailable": 503,
}
"""What Microsoft's SDK calls the statuses that it got, as HTTP has them. Its other codes are of the connection."""


class STT(AttentiveSTT, azure.STT):
    """The plugin's, which makes one error of all that the SDK tells apart."""

    def stream(
        self, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> SpeechStream:
        """Transcripts of sound as it comes."""
        options = deepcopy(self._config)
        if utils.is_given(language):
            options.language = [LanguageCode(language)]
        stream = _SpeechStream(stt=self, opts=options, conn_options=conn_options)
        self._streams.add(stream)
        return stream


class _ToldStream(SpeechStream):
    async def _run(self) -> None:
        try:
            await super()._run()
        except APIConnectionError as error:
            code = getattr(getattr(self._cancellation_error, "code", None), "name", "")
            if code == "ServiceTimeout":
                raise APITimeoutError() from error
            if code in STATUSES:
                raise APIStatusError("Azure refused.", status_code=STATUSES[code]) from error
            raise
        except TimeoutError as error:
            raise APITimeoutError() from error


class _SpeechStream(AttentiveStream, _ToldStream):
    pass


def build_stt(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> STT:
    """Speech to text, streamed by Microsoft's own SDK."""
    options: dict[str, Any] = {"language": [language], **checked_options("stt", config)}
    if "profanity" in options:
        # imported by the plugin already
        from azure.cognitiveservices.speech.enums import ProfanityOption  # type: ignore[import-untyped]

        options["profanity"] = ProfanityOption[options["profanity"].capitalize()]
    return STT(speech_key=credentials.api_key, **_place(config, credentials, options), **options)


class TTS(azure.TTS):
    """The plugin puts the text into SSML as it is; there an `&` would be an error, and a tag would be obeyed."""

    def synthesize(self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> ChunkedStream:
        """One sentence or more."""
        return _Stream(tts=self, input_text=text, conn_options=conn_options)


class _Stream(ImpatientStream, ChunkedStream):
    def _build_ssml(self) -> str:
        said, self._input_text = self._input_text, escape(self._input_text)
        try:
            return super()._build_ssml()
        finally:
            self._input_text = said


def build_tts(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> TTS:
    """Text to speech, a sentence at a time."""
    options: dict[str, Any] = {"language": language, **checked_options("tts", config)}
    if "prosody" in options:
        options["prosody"] = ProsodyConfig(**options["prosody"])
    if "style" in options:
        options["style"] = StyleConfig(**options["style"])
    return TTS(
        speech_key=credentials.api_key, **given(voice=config.voice), **_place(config, credentials, options), **options
    )


def _place(config: ProviderConfig, credentials: ProviderCredentials, options: dict[str, Any]) -> dict[str, Any]:
    region = options.pop("speech_region", None) or credentials.further.get("AZURE_SPEECH_REGION")
    return {"speech_endpoint": config.base_url} if config.base_url else {"speech_region": region}
