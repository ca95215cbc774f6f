"""Defaults, file, environment, arguments: what wins, what falls back, and what is told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.layers import SAFE_FIELDS, Composition, Layers, compose

FILE: dict[str, Any] = {
    "namespace": "default",
    "name": "receptionist",
    "agentName": "default-receptionist",
    "livekitURL": "ws://livekit:7880",
    "instructions": "You answer the phone.",
    "logLevel": "WARNING",
    "providers": {
        "stt": {"provider": "deepgram", "model": "nova-3", "credentialsPath": "/secrets/deepgram"},
        "llm": {
            "provider": "openai",
            "model": "gpt-4o",
            "baseURL": "https://own.test/v1",
            "options": {"temperature": 0.4},
            "fallbacks": [{"provider": "openai", "model": "gpt-4o-mini"}],
        },
        "tts": {"provider": "openai", "model": "tts-1", "voice": "nova"},
    },
    "plugins": [{"name": "profanity_filter", "config": {"mask": "#"}}, {"name": "example"}],
}


def composed(
    file: dict[str, Any] | None = None, environment: dict[str, str] | None = None, **arguments: str
) -> Composition:
    dotted = {key.replace("__", "."): value for key, value in arguments.items()}
    return compose(file, "agent.json", Layers(environment or {}, dotted))


def origin(result: Composition, key: str) -> str:
    return str(result.origins.get(key, "default"))


def test_each_layer_wins_over_the_one_below_and_says_so() -> None:
    result = composed(FILE, {"LLM_MODEL": "from-env"})
    assert result.config.providers.llm is not None and result.config.providers.llm.model == "from-env"
    assert origin(result, "providers.llm.model") == "env LLM_MODEL"
    assert origin(result, "providers.llm.options.temperature") == "file agent.json"
    assert origin(result, "language") == "default"
    result = composed(FILE, {"LLM_MODEL": "from-env"}, providers__llm__model="from-argument")
    assert result.config.providers.llm is not None and result.config.providers.llm.model == "from-argument"
    assert origin(result, "providers.llm.model") == "--set providers.llm.model"


def test_every_variable_of_the_original_has_its_place() -> None:
    environment = {
        "LIVEKIT_URL": "wss://env.test",
        "LLM_MODEL": "l",
        "STT_PROVIDER": "openai",
        "STT_MODEL": "s",
        "TTS_MODEL": "t",
        "TTS_VOICE_ID": "echo",
        "ENABLED_PLUGINS": "example, profanity_filter",
        "AGENT_INSTRUCTIONS": "Sell flowers.",
        "ENABLE_METRICS": "false",
        "METRICS_RETENTION_HOURS": "168",
        "LOG_LEVEL": "error",
        "OPENAI_API_KEY": "sk-secret",
    }
    config = composed(FILE, environment).config
    stt, llm, tts = config.providers.stt, config.providers.llm, config.providers.tts
    assert stt is not None and llm is not None and tts is not None
    assert (config.livekit_url, config.instructions) == ("wss://env.test", "Sell flowers.")
    assert (stt.provider, stt.model, stt.credentials_path) == ("openai", "s", None)
    assert (llm.model, llm.base_url) == ("l", "https://own.test/v1")
    assert (tts.model, tts.voice) == ("t", "echo")
    assert [plugin.name for plugin in config.plugins] == ["example", "profanity_filter"]
    assert config.plugins[1].config == {"mask": "#"}
    assert (config.metrics_enabled, config.metrics_retention_hours, config.log_level) == (False, 168, "ERROR")
    keys = [stt.credentials_env, llm.credentials_env, llm.fallbacks[0].credentials_env, tts.credentials_env]
    assert keys == ["OPENAI_API_KEY"] * 4
    assert "sk-secret" not in config.to_json()


def test_another_provider_takes_nothing_over_from_the_one_before_but_the_fallbacks() -> None:
    llm = composed(FILE, {"STT_PROVIDER": "openai"}).config.providers.stt
    assert llm is not None and (llm.model, llm.credentials_path) == ("whisper-1", None)
    same = composed(FILE, {"LLM_PROVIDER": "OpenAI"}).config.providers.llm
    assert same is not None and (same.model, same.options) == ("gpt-4o", {"temperature": 0.4})


def test_debug_is_louder_than_any_level() -> None:
    assert composed(FILE, {"DEBUG": "true", "LOG_LEVEL": "ERROR"}).config.log_level == "DEBUG"
    assert composed(FILE, {"DEBUG": "false"}).config.log_level == "WARNING"


def test_without_a_file_the_environment_suffices() -> None:
    result = composed(None, {"LIVEKIT_URL": "ws://localhost:7880", "OPENAI_API_KEY": "sk"})
    config = result.config
    assert (config.agent_name, config.livekit_url) == ("default-agent", "ws://localhost:7880")
    assert config.providers.llm is not None and config.providers.llm.provider == "openai"
    assert origin(result, "providers.tts.voice") == "default"
    assert origin(result, "providers.llm.credentialsEnv") == "env OPENAI_API_KEY"


def test_without_a_file_and_an_address_the_sentence_says_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match=r"no config file agent\.json.* Set LIVEKIT_URL"):
        composed(None, {"OPENAI_API_KEY": "sk"})


def test_wrong_value_in_the_file_falls_back_to_its_default_where_that_is_safe() -> None:
    file = {**FILE, "greeting": ["no", "text"], "turnDetection": {"mode": "vad", "endpointing": "short"}}
    result = composed(file)
    assert result.config.greeting is None
    assert result.config.turn_detection.endpointing.min_delay_milliseconds == 500
    assert [problem.layer for problem in result.problems] == ["file", "file"]
    assert result.problems[0].sentence.startswith("greeting (file agent.json) is wrong: ")
    assert result.problems[0].sentence.endswith("Its default is used.")


def test_wrong_value_in_the_environment_falls_back_to_that_of_the_file() -> None:
    result = composed(FILE, {"LOG_LEVEL": "LOUD"})
    assert result.config.log_level == "WARNING"
    (problem,) = result.problems
    assert problem.layer == "environment"
    assert problem.sentence.startswith("logLevel (env LOG_LEVEL) is wrong: ")
    assert problem.sentence.endswith("The value of file agent.json is used.")
    assert origin(result, "logLevel") == "file agent.json"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"providers": {"stt": None}}, "providers: Value error, stt, llm and tts are needed"),
        ({"instructions": 5}, "instructions: Input should be a valid string"),
        ({"plugins": [{"name": "example", "onError": "Maybe"}]}, "plugins.0.onError: Input should be 'Skip' or 'Fail'"),
        ({"metricsEnabled": "perhaps"}, "metricsEnabled: Input should be a valid boolean"),
    ],
)
def test_wrong_value_that_decides_who_the_agent_is_falls_back_to_nothing(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        composed({**FILE, **change})
    assert words in str(error.value)


def test_error_of_the_environment_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match=r"metricsEnabled: .* \(env ENABLE_METRICS\)"):
        composed(FILE, {"ENABLE_METRICS": "perhaps"})


def test_provider_variables_are_passed_over_aloud_beside_a_realtime_model() -> None:
    file = {**FILE, "providers": {"realtime": {"provider": "openai", "model": "gpt-realtime"}}}
    result = composed(file, {"LLM_PROVIDER": "openai"})
    assert result.config.providers.llm is None
    assert "LLM_PROVIDER is passed over" in result.problems[0].sentence


def test_arguments_may_be_json_and_an_unknown_key_is_told_with_the_nearest() -> None:
    result = composed(FILE, maxSessionSeconds="60", providers__llm__options__top_p="0.5")
    assert result.config.max_session_seconds == 60
    assert result.config.providers.llm is not None
    assert result.config.providers.llm.options == {"temperature": 0.4, "top_p": 0.5}
    with pytest.raises(ConfigurationError, match=r'Did you mean "providers\.llm\.model"\?'):
        composed(FILE, providers__llm__modle="x")


def test_composing_leaves_its_layers_as_they_were() -> None:
    before = repr(FILE)
    composed(FILE, {"LLM_MODEL": "x", "OPENAI_API_KEY": "k"}, providers__llm__voice="y")
    assert repr(FILE) == before


@given(
    st.dictionaries(
        st.sampled_from(sorted(SAFE_FIELDS)),
        st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=2)),
    )
)
def test_nothing_in_the_safe_fields_keeps_an_agent_from_starting(fields: dict[str, Any]) -> None:
    result = composed({**FILE, **fields})
    assert result.config.name == "receptionist"
