"""Every entry of the catalogue, against the real plugin classes: they make what they say, and take what they list."""

import asyncio
import inspect
import json
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest
from livekit.plugins import anthropic, azure, cartesia, deepgram, elevenlabs, google, openai
from service_account import service_account
from voiceagent_api.agent_config import ProviderConfig
from voiceagent_api.catalogue import CATALOGUE, ProviderEntry, find_provider
from voiceagent_api.options import option_problems
from voiceagent_worker import registry
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.providers import find_factory
from voiceagent_worker.providers.keys import ProviderCredentials, read_provider_credentials

REPO = Path(__file__).resolve().parents[3]
PLUGINS: dict[tuple[str, str], Any] = {
    ("stt", "openai"): openai.STT,
    ("stt", "deepgram"): deepgram.STT,
    ("stt", "google"): google.STT,
    ("stt", "azure"): azure.STT,
    ("llm", "openai"): openai.LLM,
    ("llm", "openai_compatible"): openai.LLM,
    ("llm", "anthropic"): anthropic.LLM,
    ("llm", "google"): google.LLM,
    ("llm", "azure"): openai.LLM.with_azure,
    ("tts", "openai"): openai.TTS,
    ("tts", "elevenlabs"): elevenlabs.TTS,
    ("tts", "deepgram"): deepgram.TTS,
    ("tts", "azure"): azure.TTS,
    ("tts", "google"): google.TTS,
    ("tts", "cartesia"): cartesia.TTS,
    ("realtime", "openai"): openai.realtime.RealtimeModel,
}
OWN = {"api_key", "base_url", "model", "model_name", "voice", "voice_id", "voice_name", "speech_key", "speech_endpoint"}
NO_JSON = {"client", "http_session", "vad", "word_tokenizer", "tokenizer", "timeout", "conn_options", "credentials"}
LEFT_OUT = {
    # retries are the session's business
    "max_retries",
    # by model and address, as the plugin chooses
    "prompt_cache_breakpoints",
    "prompt_cache_options",
    # objects of the providers' own libraries
    "turn_detection",
    "denoiser_config",
    "adaptation",
    "custom_prompt_config",
    "endpointing_sensitivity",
    "pronunciation_assessment",
    "custom_pronunciations",
    "pronunciation_dictionary_locators",
    "audio_encoding",
    "http_options",
    "retrieval_config",
    "automatic_function_calling_config",
    "media_resolution",
    "service_tier",
    "input_audio_transcription",
    "truncation",
    "reasoning",
    "tracing",
    # by the Secret
    "credentials_info",
    "credentials_file",
    "speech_host",
    "speech_auth_token",
    "azure_endpoint",
    "azure_deployment",
    "azure_ad_token",
    "entra_token",
    "azure_ad_token_provider",
    "organization",
    "project",
    # livekit-agents refuses others, or they are what the voice pipeline stands on
    "num_channels",
    "modalities",
    "encoding",
    "temperature",
}


def keys_for(entry: ProviderEntry, folder: Path) -> ProviderConfig:
    """A config of the entry's default model, with its Secret mounted."""
    for credential in entry.credentials:
        content = service_account() if credential.file else f"value-of-{credential.key}"
        (folder / credential.key).write_text("https://x.openai.azure.com" if "ENDPOINT" in credential.key else content)
    return ProviderConfig(
        provider=entry.name,
        model=entry.default_model,
        base_url="http://own.test/v1" if entry.needs_base_url else None,
        credentials_path=str(folder / entry.credential_key),
        further_credentials={one.key: str(folder / one.key) for one in entry.credentials[1:]},
    )


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: f"{entry.kind}-{entry.name}")
async def test_every_entry_makes_its_default_model_of_its_secret(entry: ProviderEntry, tmp_path: Path) -> None:
    config = keys_for(entry, tmp_path)
    made = find_factory(entry.kind, entry.name)(config, "en", read_provider_credentials(entry, config))
    bases = {base.__module__ for base in type(made).__mro__}
    assert any(base.startswith(f"livekit.agents.{entry.kind.replace('realtime', 'llm')}") for base in bases)
    if entry.name != "azure" or entry.kind == "llm":
        assert made.model == entry.default_model


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_options_are_parameters_of_the_plugin_and_none_is_forgotten(entry: ProviderEntry) -> None:
    listed = {option.name for option in entry.options}
    assert len(listed) == len(entry.options)
    if (entry.kind, entry.name) not in PLUGINS:
        assert (entry.kind, entry.name) == ("llm", "cohere")
        return
    parameters = {name for name in inspect.signature(PLUGINS[entry.kind, entry.name]).parameters if name[0] != "_"}
    assert listed <= parameters
    forgotten = parameters - listed - OWN - NO_JSON - LEFT_OUT - {"self", "kwargs"}
    assert forgotten == set()


def test_no_provider_is_imported_before_it_is_used() -> None:
    program = (
        "import sys, voiceagent_api.catalogue, voiceagent_worker.config, voiceagent_worker.registry\n"
        "voiceagent_worker.registry.third_party()\n"
        "print([n for n in sys.modules if n.startswith(('livekit', 'google.cloud', 'anthropic', 'openai', 'azure'))])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"temperature": 0.3, "max_completion_tokens": 100.0, "parallel_tool_calls": False}, None),
        ({"temperature": True}, "must be a number."),
        ({"temperature": "warm"}, "must be a number."),
        ({"temperature": 2.5}, "must be at most 2."),
        ({"temperature": -1}, "must be at least 0."),
        ({"max_completion_tokens": 1.5}, "must be a whole number."),
        ({"parallel_tool_calls": "yes"}, "must be true or false."),
        ({"parallel_tool_calls": 1}, "must be true or false."),
        ({"verbosity": "loud"}, "must be one of low, medium, high."),
        ({"metadata": []}, "must be an object."),
        ({"max_completion_token": 1}, 'is not known. Did you mean "max_completion_tokens"?'),
        ({"api_key": "sk-secret"}, "has a field of its own: set credentialsSecretRef instead."),
        ({"base_url": "http://x"}, "has a field of its own: set baseURL instead."),
    ],
)
def test_options_are_checked_by_name_and_type(options: dict[str, Any], sentence: str | None) -> None:
    entry = find_provider("llm", "openai")
    assert entry is not None
    problems = option_problems(entry, options)
    assert (sentence is None) is (problems == [])
    if sentence:
        assert sentence in problems[0] and "sk-secret" not in problems[0]


def test_a_service_account_is_handed_on_as_a_file_and_its_private_parts_are_secrets(tmp_path: Path) -> None:
    entry = find_provider("stt", "google")
    assert entry is not None
    credentials = read_provider_credentials(entry, keys_for(entry, tmp_path))
    path = tmp_path / "GOOGLE_APPLICATION_CREDENTIALS"
    assert credentials.files == {path.name: path}
    assert json.loads(path.read_text())["private_key"] in credentials.secrets
    assert "PRIVATE" not in repr(credentials)


@pytest.mark.parametrize("content", ["not json", "[]", '{"client_email": "x"}'])
def test_a_service_account_that_is_none_is_told_without_being_shown(tmp_path: Path, content: str) -> None:
    entry = find_provider("tts", "google")
    assert entry is not None
    config = keys_for(entry, tmp_path)
    (tmp_path / entry.credential_key).write_text(content)
    with pytest.raises(ConfigurationError) as error:
        find_factory("tts", "google")(config, "en", read_provider_credentials(entry, config))
    assert "Put the file that Google gave, whole, into the Secret as GOOGLE_APPLICATION_CREDENTIALS." in str(
        error.value
    )


@pytest.mark.parametrize(
    ("kind", "name", "missing", "words"),
    [
        ("tts", "azure", "AZURE_SPEECH_REGION", ", or set the option speech_region, or set baseURL."),
        ("llm", "azure", "AZURE_OPENAI_ENDPOINT", ", or set baseURL."),
        ("stt", "google", "GOOGLE_APPLICATION_CREDENTIALS", "A service account's JSON file."),
    ],
)
def test_a_missing_further_key_is_told_with_what_may_stand_in(
    tmp_path: Path, kind: Any, name: str, missing: str, words: str
) -> None:
    entry = find_provider(kind, name)
    assert entry is not None
    config = keys_for(entry, tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(ConfigurationError) as error:
        read_provider_credentials(entry, config)
    assert missing in str(error.value) and words in str(error.value)


def test_a_server_of_ones_own_may_do_without_a_key(tmp_path: Path) -> None:
    entry = find_provider("llm", "openai_compatible")
    assert entry is not None
    config = keys_for(entry, tmp_path)
    assert read_provider_credentials(entry, config).api_key == "value-of-API_KEY"
    (tmp_path / "API_KEY").unlink()
    assert read_provider_credentials(entry, config).api_key == "no-key"


def test_azures_text_is_escaped_before_it_becomes_markup(tmp_path: Path) -> None:
    entry = find_provider("tts", "azure")
    assert entry is not None
    config = keys_for(entry, tmp_path)

    async def ssml() -> tuple[str, str]:
        made = find_factory("tts", "azure")(config, "en-GB", read_provider_credentials(entry, config))
        stream = made.synthesize("Rock & roll <break time='9s'/>")
        try:
            return stream._build_ssml(), stream.input_text
        finally:
            await stream.aclose()

    markup, said = asyncio.run(ssml())
    assert "Rock &amp; roll &lt;break" in markup and 'xml:lang="en-GB"' in markup
    assert said == "Rock & roll <break time='9s'/>"


def build_tts(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> tuple[str, str, str]:
    """What an image of one's own brings."""
    return config.model, language, credentials.api_key


def test_an_image_brings_a_provider_by_an_entry_point(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    points = [
        EntryPoint("tts.acme", "acme_voice:build_tts", registry.GROUP),
        EntryPoint("tts.openai", "acme_voice:build_tts", registry.GROUP),
        EntryPoint("speech.acme", "acme_voice:build_tts", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints(points).select(group=group))
    registry.third_party.cache_clear()
    module = type(sys)("acme_voice")
    module.build_tts = build_tts  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "acme_voice", module)
    try:
        entry = registry.find_entry("tts", "acme")
        assert entry is not None and entry.third_party and entry.credential_key == "ACME_API_KEY"
        assert registry.find_entry("tts", "openai") is find_provider("tts", "openai")
        assert registry.find_entry("stt", "acme") is None
        assert 'Did you mean "acme"?' in registry.unknown_sentence("tts", "acmee")
        assert option_problems(entry, {"whatever": 1}) == []
        (tmp_path / "key").write_text("acme-key")
        config = ProviderConfig(provider="acme", model="m", credentials_path=str(tmp_path / "key"))
        made: Any = find_factory("tts", "acme")(config, "en", read_provider_credentials(entry, config))
        assert made == ("m", "en", "acme-key")
    finally:
        registry.third_party.cache_clear()


def test_what_only_the_full_image_has_is_what_the_catalogue_says_so_of() -> None:
    project = tomllib.loads((REPO / "agent_image" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    full = set(project["optional-dependencies"]["full"])
    assert {entry.package for entry in CATALOGUE if entry.package} == full
    assert not full & set(project["dependencies"])
