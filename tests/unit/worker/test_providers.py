"""The provider factories, against the real plugin classes."""

import sys
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import APIConnectionError, APIStatusError, APITimeoutError
from livekit.plugins import deepgram, openai
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, ProvidersConfig
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.logs import Redactor
from voiceagent_worker.providers import build_models
from voiceagent_worker.providers.deepgram import build_stt as deepgram_stt
from voiceagent_worker.providers.deepgram import build_tts as deepgram_tts
from voiceagent_worker.providers.failures import failure_sentence, kind_of
from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.openai import build_llm as openai_llm
from voiceagent_worker.providers.openai import build_stt as openai_stt
from voiceagent_worker.providers.openai import build_tts as openai_tts

KEY = "sk-test-key"
KEYS = ProviderCredentials(KEY)


def provider(name: str, model: str, **more: Any) -> ProviderConfig:
    return ProviderConfig(provider=name, model=model, **more)


def config(**providers: ProviderConfig) -> AgentConfig:
    return AgentConfig(
        namespace="default",
        name="receptionist",
        agent_name="default-receptionist",
        livekit_url="ws://livekit:7880",
        instructions="You answer the phone.",
        providers=ProvidersConfig(
            **{
                "stt": provider("deepgram", "nova-3"),
                "llm": provider("openai", "gpt-4o-mini"),
                "tts": provider("openai", "tts-1"),
                **providers,
            }
        ),
    )


async def test_openai_is_asked_at_its_own_address_unless_another_is_given() -> None:
    own = openai_llm(provider("openai", "gpt-4o-mini"), "en", KEYS)
    assert str(own._client.base_url) == "https://api.openai.com/v1/"
    for build in (openai_stt, openai_llm, openai_tts):
        made: Any = build(provider("openai", "m", base_url="http://speech:8090/v1/"), "en", KEYS)
        assert str(made._client.base_url) == "http://speech:8090/v1/"
        assert made._client.api_key == KEY


async def test_openai_gets_options_language_and_voice() -> None:
    llm = openai_llm(provider("openai", "gpt-4o-mini", options={"temperature": 0.4}), "en", KEYS)
    assert llm._opts.temperature == 0.4
    assert openai_stt(provider("openai", "whisper-1"), "fr-CA", KEYS)._opts.languages == ["fr-CA"]
    assert openai_tts(provider("openai", "tts-1"), "en", KEYS)._opts.voice == "alloy"
    assert openai_tts(provider("openai", "tts-1", voice="nova"), "en", KEYS)._opts.voice == "nova"


async def test_openai_speech_to_text_is_not_streaming_so_the_session_cuts_it_by_voice_detection() -> None:
    assert openai_stt(provider("openai", "whisper-1"), "en", KEYS).capabilities.streaming is False


async def test_deepgrams_paths_are_added_to_the_base_url() -> None:
    stt = deepgram_stt(provider("deepgram", "nova-3", base_url="http://speech:8090/v1"), "en", KEYS)
    assert stt._opts.endpoint_url == "http://speech:8090/v1/listen"
    tts = deepgram_tts(provider("deepgram", "aura-2-andromeda-en", base_url="http://speech:8090/v1/"), "en", KEYS)
    assert tts._opts.base_url == "http://speech:8090/v1/speak"
    own = deepgram_stt(provider("deepgram", "nova-3"), "en", KEYS)
    assert own._opts.endpoint_url == "https://api.deepgram.com/v1/listen"


async def test_deepgrams_voice_is_its_model() -> None:
    tts = deepgram_tts(provider("deepgram", "aura-2-andromeda-en", voice="aura-2-thalia-en"), "en", KEYS)
    assert tts.model == "aura-2-thalia-en"


async def test_language_may_be_overridden_by_an_option() -> None:
    stt = deepgram_stt(provider("deepgram", "nova-3", options={"language": "multi"}), "en", KEYS)
    assert stt._opts.language == "multi"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"temprature": 1}, 'The option "temprature" of the llm provider "openai" is not known. Did you mean "temper'),
        ({"api_key": "sk-x"}, "has a field of its own: set credentialsSecretRef instead."),
        ({"base_url": "http://x"}, "has a field of its own: set baseURL instead."),
        ({"client": None}, "is not known"),
    ],
)
async def test_option_that_the_plugin_does_not_take_is_refused_with_a_sentence(
    options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        openai_llm(provider("openai", "gpt-4o-mini", options=options), "en", KEYS)
    assert sentence in str(error.value)
    assert "sk-x" not in str(error.value)


async def test_models_are_built_with_keys_read_from_files_and_the_keys_are_known_as_secrets(tmp_path: Path) -> None:
    (tmp_path / "openai").write_text("sk-from-a-file\n")
    (tmp_path / "deepgram").write_text("dg-from-a-file")
    redactor = Redactor()
    models = await build_models(
        config(
            stt=provider("deepgram", "nova-3", credentials_path=str(tmp_path / "deepgram")),
            llm=provider("openai", "gpt-4o-mini", credentials_path=str(tmp_path / "openai")),
            tts=provider("openai", "tts-1", base_url="http://speech:8090/v1"),
        ),
        redactor,
    )
    assert isinstance(models.stt, deepgram.STT) and models.stt._api_key == "dg-from-a-file"
    assert isinstance(models.llm, openai.LLM) and models.llm._client.api_key == "sk-from-a-file"
    assert isinstance(models.tts, openai.TTS)
    assert redactor("sk-from-a-file and dg-from-a-file") == "[secret] and [secret]"


async def test_value_that_the_plugin_refuses_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    options = {"sample_rate": 11111, "speech_region": "westeurope"}
    wrong = provider("azure", "default", options=options, credentials_path=str(tmp_path / "key"))
    right = provider("openai", "m", base_url="http://x/v1")
    with pytest.raises(ConfigurationError) as error:
        await build_models(config(stt=right, llm=right, tts=wrong), Redactor())
    assert 'The tts provider "azure" refuses its settings: Unsupported sample rate 11111.' in str(error.value)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (APIStatusError("Incorrect API key: sk-test", status_code=401), "refused the credential. Check the Secret's"),
        (APIStatusError("no", status_code=404), "knows no such model or address"),
        (APIStatusError("slow down", status_code=429), "too many requests or a used-up quota"),
        (APIStatusError("oops", status_code=503), "answered with HTTP status 503"),
        (APITimeoutError(), "did not answer in time"),
        (APIConnectionError(), "could not be reached at http://speech:8090/v1"),
    ],
)
def test_provider_failure_is_told_in_a_sentence_without_the_providers_words(error: Exception, words: str) -> None:
    failing = config(llm=provider("openai", "gpt-4o-mini", base_url="http://speech:8090/v1"))
    assert failing.providers.llm is not None
    sentence = failure_sentence("llm", failing.providers.llm, error)
    assert sentence.startswith('The llm provider "openai" (model gpt-4o-mini)') and words in sentence
    assert "sk-test" not in sentence


def test_kinds_of_provider_are_told_apart() -> None:
    told = [kind_of(f"{kind}_error") for kind in ("stt", "llm", "tts", "realtime_model", "other")]
    assert told == ["stt", "llm", "tts", "realtime", None]


def test_plugins_are_imported_by_nobody_but_their_own_provider_module() -> None:
    for module in ("entrypoint", "conversation", "livekit_server", "main"):
        source = Path(sys.modules["voiceagent_worker"].__path__[0], f"{module}.py").read_text()
        assert "livekit.plugins import openai" not in source and "livekit.plugins import deepgram" not in source
