"""Azure's speech to text at its SDK's boundary: the SDK is native code that speaks a protocol of Microsoft's own.

What stands in for the SDK's recogniser has its signals and nothing else.
"""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from azure.cognitiveservices.speech import CancellationReason
from azure.cognitiveservices.speech.enums import CancellationErrorCode
from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, APIStatusError
from livekit.agents.stt import SpeechEventType
from livekit.plugins.azure import stt as plugin
from voiceagent_api.agent_config import ProviderConfig
from voiceagent_worker.providers.azure_speech import build_stt
from voiceagent_worker.providers.failures import failure_sentence
from voiceagent_worker.providers.keys import ProviderCredentials

CONFIG = ProviderConfig(provider="azure", model="default", options={"speech_region": "westeurope"})
SIGNALS = (
    "recognizing",
    "recognized",
    "speech_start_detected",
    "speech_end_detected",
    "session_started",
    "session_stopped",
    "canceled",
)


class Signal:
    def __init__(self) -> None:
        self.told: list[Any] = []

    def connect(self, callback: Any) -> None:
        self.told.append(callback)

    def emit(self, event: Any) -> None:
        for callback in self.told:
            callback(event)


class Recogniser:
    """Says one sentence, is cancelled, or never begins."""

    def __init__(self, outcome: CancellationErrorCode | str) -> None:
        self.outcome = outcome
        for name in SIGNALS:
            setattr(self, name, Signal())

    def start_continuous_recognition(self) -> None:
        if self.outcome == "stall":
            return
        self.session_started.emit(SimpleNamespace())  # type: ignore[attr-defined]
        if isinstance(self.outcome, CancellationErrorCode):
            details = SimpleNamespace(reason=CancellationReason.Error, code=self.outcome, error_details="sk-secret")
            self.canceled.emit(SimpleNamespace(cancellation_details=details))  # type: ignore[attr-defined]
        else:
            result = SimpleNamespace(text=self.outcome, offset=0, duration=10**7)
            self.recognized.emit(SimpleNamespace(result=result))  # type: ignore[attr-defined]

    def stop_continuous_recognition(self) -> None:
        pass


async def listen(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> tuple[str, list[str], list[Exception]]:
    recogniser = Recogniser(outcome)
    monkeypatch.setattr(plugin, "_create_speech_recognizer", lambda config, stream: recogniser)
    monkeypatch.setattr(plugin.speechsdk, "AutoDetectSourceLanguageResult", lambda _: SimpleNamespace(language="en-US"))
    model = build_stt(CONFIG, "en-US", ProviderCredentials("key"))
    told: list[Exception] = []
    sentences: list[str] = []

    def on_error(event: Any) -> None:
        told.append(event.error)
        sentences.append(failure_sentence("stt", CONFIG, event.error))

    model.on("error", on_error)
    text = ""
    try:
        async with (
            asyncio.timeout(60),
            model.stream(conn_options=APIConnectOptions(max_retry=0, timeout=0.5)) as stream,
        ):
            stream.push_frame(rtc.AudioFrame(b"\0" * 3200, 16000, 1, 1600))
            async for event in stream:
                if event.type is SpeechEventType.FINAL_TRANSCRIPT:
                    text = event.alternatives[0].text
                    stream.end_input()
                    recogniser.session_stopped.emit(None)  # type: ignore[attr-defined]
                    break
    except APIError:
        pass
    return text, sentences if not text else [], told if not text else []


async def test_what_was_said_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await listen(monkeypatch, "Hello there.") == ("Hello there.", [], [])


@pytest.mark.parametrize(
    ("outcome", "status", "words"),
    [
        (CancellationErrorCode.AuthenticationFailure, 401, "refused the credential"),
        (CancellationErrorCode.TooManyRequests, 429, "too many requests"),
        (CancellationErrorCode.ServiceError, 500, "HTTP status 500"),
        (CancellationErrorCode.ServiceTimeout, None, "did not answer in time"),
        (CancellationErrorCode.ConnectionFailure, None, "could not be reached"),
        ("stall", None, "did not answer in time"),
    ],
)
async def test_what_the_sdk_tells_becomes_a_sentence(
    monkeypatch: pytest.MonkeyPatch, outcome: Any, status: int | None, words: str
) -> None:
    _, sentences, told = await listen(monkeypatch, outcome)
    assert words in sentences[-1] and "sk-secret" not in sentences[-1]
    assert status is None or (isinstance(told[-1], APIStatusError) and told[-1].status_code == status)
