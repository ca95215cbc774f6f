"""The speech server: it makes the caller's voice, and afterwards writes down what the caller heard."""

from __future__ import annotations

from types import TracebackType

import httpx

from voiceagent_caller.audio import SAMPLE_RATE, Clip, audible_length, parse_wav, pcm_samples, wav_bytes
from voiceagent_caller.errors import CallFailed
from voiceagent_caller.web import make_client, refusal

_TIMEOUT_SECONDS = 120.0
_ANY_KEY = {"Authorization": "Bearer sandbox"}
"""The wire wants a key; the sandbox's server takes any."""


class Speech:
    """A client of OpenAI's two audio endpoints."""

    def __init__(self, url: str, voice: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url.rstrip("/").removesuffix("/v1")
        self._voice = voice
        self._client = (
            httpx.AsyncClient(base_url=self._url, transport=transport)
            if transport is not None
            else make_client(self._url, _TIMEOUT_SECONDS)
        )

    async def __aenter__(self) -> Speech:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def synthesise(self, text: str) -> Clip:
        """A text as speech."""
        body = {"model": "tts-1", "voice": self._voice, "input": text, "response_format": "pcm"}
        response = await self._post("/v1/audio/speech", json=body)
        content = response.content
        try:
            clip = parse_wav(content) if content[:4] == b"RIFF" else Clip(pcm_samples(content), SAMPLE_RATE)
        except ValueError as error:
            raise CallFailed(f"The speech server at {self._url} made a wav that cannot be used: {error}.") from error
        if not audible_length(clip.samples):
            raise CallFailed(f"The speech server at {self._url} made no sound of {text!r}.")
        return clip

    async def transcribe(self, clip: Clip) -> str:
        """What is said in a recording."""
        response = await self._post(
            "/v1/audio/transcriptions",
            data={"model": "whisper-1", "response_format": "json"},
            files={"file": ("heard.wav", wav_bytes(clip), "audio/wav")},
        )
        try:
            return str(response.json()["text"]).strip()
        except (ValueError, KeyError, TypeError) as error:
            raise CallFailed(f"The speech server at {self._url} answered a transcription without a text.") from error

    async def _post(
        self,
        path: str,
        *,
        json: dict[str, str] | None = None,
        data: dict[str, str] | None = None,
        files: dict[str, tuple[str, bytes, str]] | None = None,
    ) -> httpx.Response:
        try:
            response = await self._client.post(path, json=json, data=data, files=files, headers=_ANY_KEY)
        except httpx.TimeoutException as error:
            raise CallFailed(f"The speech server did not answer {self._url}{path} in time.") from error
        except httpx.HTTPError as error:
            raise CallFailed(
                f"The speech server cannot be reached at {self._url}{path} ({error}); is it running?"
            ) from error
        if not response.is_success:
            raise CallFailed(
                f"The speech server refused {self._url}{path} ({response.status_code}): {refusal(response)}"
            )
        return response
