"""Azure and Google Cloud are asked whether they take their keys, at addresses that their settings make."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from livekit.plugins.google.models import SpeechModelsV2
from provider_wire import Fault, Wire, provider_wire
from service_account import service_account
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, ProvidersConfig
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.worker_status import ProviderCheck
from voiceagent_worker import provider_checks
from voiceagent_worker.placed_checks import SECOND_VERSION, account_token, placed_check
from voiceagent_worker.provider_checks import Question, ask, questions
from voiceagent_worker.providers.google_account import SERVICE_ACCOUNT
from voiceagent_worker.providers.keys import ProviderCredentials

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
KEY = "key-of-the-test"
ACCOUNT = service_account()
CASES: list[tuple[ProviderKind, str, str, dict[str, Any]]] = [
    ("stt", "azure", "/sts/v1.0/issueToken", {}),
    ("tts", "azure", "/sts/v1.0/issueToken", {}),
    ("llm", "azure", "/openai/models?api-version=2024-10-21", {}),
    ("stt", "google", "/v1/speech:recognize", {}),
    ("tts", "google", "/v1/voices?languageCode=is-IS", {}),
    (
        "llm",
        "google",
        "/v1/projects/blue-dental/locations/us-central1/publishers/google/models/m:countTokens",
        {"vertexai": True},
    ),
]


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with provider_wire() as server:
        yield server


def question(kind: ProviderKind, name: str, url: str | None, folder: Path, **more: Any) -> Question:
    """As the worker makes it of its config file and what is mounted."""
    further = {
        "AZURE_SPEECH_REGION": "westeurope",
        "AZURE_OPENAI_ENDPOINT": "https://blue.openai.azure.com/",
        SERVICE_ACCOUNT: ACCOUNT,
    }
    for key, value in {**further, "KEY": KEY}.items():
        (folder / key).write_text(value)
    one = ProviderConfig(
        provider=name,
        model="m",
        base_url=url,
        credentials_path=str(folder / (SERVICE_ACCOUNT if name == "google" else "KEY")),
        further_credentials={key: str(folder / key) for key in further},
        **more,
    )
    if name == "google" and kind == "llm":
        one = one.model_copy(update={"credentials_path": None})
    other = ProviderConfig(provider="openai", model="m")
    config = AgentConfig(
        namespace="default",
        name="receptionist",
        agent_name="default-receptionist",
        livekit_url="ws://livekit:7880",
        instructions="You answer.",
        providers=ProvidersConfig(**{"stt": other, "llm": other, "tts": other, kind: one}),
    )
    return next(made for made in questions(config) if (made.kind, made.config.provider) == (kind, name))


async def answer(asked: Question) -> ProviderCheck | None:
    async with aiohttp.ClientSession() as http:
        return await ask(asked, http, lambda: NOON)


@pytest.mark.parametrize(("kind", "name", "path", "options"), CASES)
async def test_a_key_that_is_taken_is_told_and_stands_in_a_header_only(
    kind: ProviderKind, name: str, path: str, options: dict[str, Any], wire: Wire, tmp_path: Path
) -> None:
    told = await answer(question(kind, name, wire.url, tmp_path, options=options))
    assert told is not None and (told.ok, told.message) == (True, "")
    ((asked, headers, body),) = wire.asked
    assert asked == path and KEY not in asked and KEY.encode() not in body
    if name == "google":
        token = headers["Authorization"].removeprefix("Bearer ")
        public = load_pem_private_key(json.loads(ACCOUNT)["private_key"].encode(), None).public_key()
        claims = jwt.decode(token, public, algorithms=["RS256"])  # type: ignore[arg-type]
        assert claims["iss"] == claims["sub"] == "agent@blue-dental.test" and claims["exp"] - claims["iat"] == 300
        assert jwt.get_unverified_header(token)["kid"] == "key-1-of-many"
    else:
        assert KEY in headers.values()


WORDS: dict[Fault, tuple[bool | None, str] | None] = {
    "401": (False, "it refused the "),
    "403": (False, "it refused the "),
    "429": None,
    "500": (None, "it answered with HTTP status 500"),
    "stall": (None, "no answer within 0 s"),
}


@pytest.mark.parametrize("fault", list(WORDS))
@pytest.mark.parametrize(("kind", "name", "options"), [(kind, name, options) for kind, name, _, options in CASES])
async def test_what_goes_wrong_is_told(
    kind: ProviderKind,
    name: str,
    options: dict[str, Any],
    fault: Fault,
    wire: Wire,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire.fault = fault
    if fault == "stall":
        monkeypatch.setattr(provider_checks, "ANSWER_SECONDS", 0.3)
    told = await answer(question(kind, name, wire.url, tmp_path, options=options))
    expected = WORDS[fault]
    if expected is None:
        assert told is None
        return
    assert told is not None and told.ok is expected[0] and told.message.startswith(expected[1])


@pytest.mark.parametrize(
    ("kind", "name", "model", "options", "url", "address"),
    [
        ("stt", "azure", "default", {}, None, "https://westeurope.api.cognitive.microsoft.com/sts/v1.0/issueToken"),
        (
            "tts",
            "azure",
            "default",
            {"speech_region": "eastus"},
            None,
            "https://eastus.api.cognitive.microsoft.com/sts/v1.0/issueToken",
        ),
        (
            "stt",
            "azure",
            "default",
            {},
            "wss://northeurope.stt.speech.microsoft.com/speech/universal/v2",
            "https://northeurope.api.cognitive.microsoft.com/sts/v1.0/issueToken",
        ),
        (
            "stt",
            "azure",
            "default",
            {},
            "wss://blue.cognitiveservices.azure.com/stt/speech/universal/v2",
            "https://blue.cognitiveservices.azure.com/sts/v1.0/issueToken",
        ),
        ("llm", "azure", "m", {}, None, "https://blue.openai.azure.com/openai/models?api-version=2024-10-21"),
        ("stt", "google", "latest_long", {}, None, "https://speech.googleapis.com/v1/speech:recognize"),
        (
            "stt",
            "google",
            "chirp_2",
            {"location": "europe-west4", "project": "red"},
            None,
            "https://europe-west4-speech.googleapis.com/v2/projects/red/locations/europe-west4/recognizers/_:recognize",
        ),
        (
            "tts",
            "google",
            "chirp_3",
            {"location": "eu"},
            None,
            "https://eu-texttospeech.googleapis.com/v1/voices?languageCode=is-IS",
        ),
        (
            "llm",
            "google",
            "g",
            {"vertexai": True, "location": "global"},
            None,
            "https://aiplatform.googleapis.com/v1/projects/blue-dental/locations/global/publishers/google/models/g:countTokens",
        ),
    ],
)
def test_the_address_is_made_of_the_settings(
    kind: ProviderKind, name: str, model: str, options: dict[str, Any], url: str | None, address: str
) -> None:
    credentials = ProviderCredentials(
        KEY, {"AZURE_SPEECH_REGION": "westeurope", "AZURE_OPENAI_ENDPOINT": "https://blue.openai.azure.com/"}
    )
    config = ProviderConfig(provider=name, model=model, options=options, base_url=url)
    check = placed_check(kind, config, credentials, json.loads(ACCOUNT))
    assert check is not None and check.root + check.path == address


def test_the_models_of_the_second_version_are_those_of_the_plugin() -> None:
    assert frozenset(get_args(SpeechModelsV2)) == SECOND_VERSION


def test_a_pod_that_asks_as_itself_is_not_asked_for_and_gemini_is_asked_by_its_own_key(tmp_path: Path) -> None:
    vertex = ProviderConfig(provider="google", model="m", options={"vertexai": True})
    assert placed_check("llm", vertex, ProviderCredentials(), None) is None
    gemini = ProviderConfig(provider="google", model="m")
    assert placed_check("llm", gemini, ProviderCredentials(KEY), None) is None


async def test_a_model_that_vertex_ai_does_not_have_is_told() -> None:
    config = ProviderConfig(provider="google", model="gemini-9", options={"vertexai": True})
    check = placed_check("llm", config, ProviderCredentials(), json.loads(ACCOUNT))
    told = provider_checks.judge(Question("llm", config, check), 404, b"", NOON)
    assert told is not None and (told.ok, told.message) == (False, 'it knows no model "gemini-9" there')


async def test_an_account_whose_private_key_is_none_is_told_without_asking(wire: Wire, tmp_path: Path) -> None:
    asked = question("tts", "google", wire.url, tmp_path)
    spoilt = {**json.loads(ACCOUNT), "private_key": "-----BEGIN nothing"}
    told = await answer(Question("tts", asked.config, asked.check, asked.credentials, account=spoilt))
    assert told is not None and told.ok is False and "private key" in told.message and not wire.asked
    with pytest.raises(ValueError, match="cannot be used"):
        account_token(spoilt)


def test_a_rotated_account_is_another_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = question("stt", "google", None, tmp_path)
    assert question("stt", "google", None, tmp_path) == before
    monkeypatch.setattr(f"{__name__}.ACCOUNT", service_account())
    after = question("stt", "google", None, tmp_path)
    assert after != before and "PRIVATE KEY" not in repr(after)
