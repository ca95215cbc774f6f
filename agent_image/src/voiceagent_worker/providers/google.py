"""Google's models: Gemini by an API key, all else by a service account's file.

Vertex AI also does without a file: Google's libraries then ask for the pod's own identity.
"""

from typing import Any, Final

from google.genai import types
from google.oauth2 import service_account
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectionError,
    APIConnectOptions,
    NotGivenOr,
    tts,
)
from livekit.plugins import google
from livekit.plugins.google.stt import SpeechStream
from livekit.plugins.google.tts import SynthesizeStream
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.providers.google_account import read_service_account
from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options, given, root
from voiceagent_worker.providers.unheard import AttentiveStream, AttentiveSTT

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"


def build_llm(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> google.LLM:
    """Gemini, or with the option vertexai the same models on Vertex AI."""
    options: dict[str, Any] = checked_options("llm", config)
    if config.base_url is not None:
        options["http_options"] = types.HttpOptions(base_url=root(config))
    if not options.get("vertexai"):
        made = google.LLM(model=config.model, api_key=credentials.api_key, vertexai=False, **_without(options))
    else:
        account = read_service_account(credentials)
        if account is not None:
            project = account["project_id"]
            options.setdefault("project", project)
            options["credentials"] = service_account.Credentials.from_service_account_info(account, scopes=[SCOPE])  # type: ignore[no-untyped-call]
        made = google.LLM(model=config.model, **options)
    return made


class STT(AttentiveSTT, google.STT):
    """The plugin's, which takes a stalled stream for a caller who is silent."""

    def stream(
        self, *, language: NotGivenOr[str] = NOT_GIVEN, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> SpeechStream:
        """Transcripts of sound as it comes."""
        stream = _SpeechStream(
            stt=self,
            pool=self._pool,
            recognizer_cb=self._get_recognizer,
            config=self._sanitize_options(language=language),
            conn_options=conn_options,
        )
        self._streams.add(stream)
        return stream


class _SpeechStream(AttentiveStream, SpeechStream):
    pass


def build_stt(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> STT:
    """Speech to text, streamed over gRPC."""
    options: dict[str, Any] = {"languages": [language], **checked_options("stt", config)}
    return STT(model=config.model, **_account(credentials), **options)


class TTS(google.TTS):
    """The plugin's; what is no answer is a failure of the provider there, and no fault of the program."""

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> SynthesizeStream:
        """Speech for text as it comes."""
        stream = _Stream(tts=self, conn_options=conn_options)
        self._streams.add(stream)
        return stream


class _Stream(SynthesizeStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        try:
            await super()._run(output_emitter)
        except (AttributeError, ValueError) as error:
            raise APIConnectionError(f"No sound answer of Google ({type(error).__name__}).") from error


def build_tts(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> TTS:
    """Text to speech, streamed over gRPC."""
    options: dict[str, Any] = {"language": language, **checked_options("tts", config)}
    return TTS(model_name=config.model, **_account(credentials), **given(voice_name=config.voice), **options)


def _without(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in ("vertexai", "project", "location")}


def _account(credentials: ProviderCredentials) -> dict[str, Any]:
    account = read_service_account(credentials)
    return {} if account is None else {"credentials_info": account}
