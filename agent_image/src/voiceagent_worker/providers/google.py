"""Google's models: Gemini by an API key, all else by a service account's file.

Vertex AI also does without a file: Google's libraries then ask for the pod's own identity.
"""

import json
from typing import Any, Final

from google.genai import types
from google.oauth2 import service_account
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectionError, APIConnectOptions, tts
from livekit.plugins import google
from livekit.plugins.google.tts import SynthesizeStream
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options, given, root

SERVICE_ACCOUNT: Final = "GOOGLE_APPLICATION_CREDENTIALS"
WHOLE_FILE: Final = f"Put the file that Google gave, whole, into the Secret as {SERVICE_ACCOUNT}."
SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"


def build_llm(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> google.LLM:
    """Gemini, or with the option vertexai the same models on Vertex AI."""
    options: dict[str, Any] = checked_options("llm", config)
    if config.base_url is not None:
        options["http_options"] = types.HttpOptions(base_url=root(config))
    if not options.get("vertexai"):
        made = google.LLM(model=config.model, api_key=credentials.api_key, vertexai=False, **_without(options))
    else:
        account = _service_account(credentials)
        if account is not None:
            project = account["project_id"]
            options.setdefault("project", project)
            options["credentials"] = service_account.Credentials.from_service_account_info(account, scopes=[SCOPE])  # type: ignore[no-untyped-call]
        made = google.LLM(model=config.model, **options)
    return made


def build_stt(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> google.STT:
    """Speech to text, streamed over gRPC."""
    options: dict[str, Any] = {"languages": [language], **checked_options("stt", config)}
    return google.STT(model=config.model, **_account(credentials), **options)


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
    account = _service_account(credentials)
    return {} if account is None else {"credentials_info": account}


def _service_account(credentials: ProviderCredentials) -> dict[str, Any] | None:
    path = credentials.files.get(SERVICE_ACCOUNT)
    if path is None:
        return None
    try:
        account = json.loads(path.resolve().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The service account's file {path} cannot be read as JSON ({type(error).__name__}).", WHOLE_FILE
        ) from error
    lacks = {"client_email", "private_key", "project_id", "token_uri"} - set(
        account if isinstance(account, dict) else ()
    )
    if lacks:
        raise ConfigurationError(f"The service account's file {path} lacks {', '.join(sorted(lacks))}.", WHOLE_FILE)
    result: dict[str, Any] = account
    return result
