"""What a person is told who got a worker's configuration wrong."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from voiceagent_api import catalogue
from voiceagent_api.agent_config import ProviderConfig
from voiceagent_api.catalogue import ProviderKind, find_provider
from voiceagent_api.providers.entries import Credential
from voiceagent_worker import providers, registry
from voiceagent_worker.config import MAX_BYTES, load_config
from voiceagent_worker.credentials import NO_KEY, read_livekit_credentials
from voiceagent_worker.errors import ConfigurationError, DependencyNotFoundError, user_sentence
from voiceagent_worker.provider_checks import questions
from voiceagent_worker.providers.keys import read_provider_credentials

AGENT: dict[str, Any] = {
    "namespace": "default",
    "name": "receptionist",
    "agentName": "default-receptionist",
    "livekitURL": "ws://livekit:7880",
    "instructions": "You answer the phone.",
    "providers": {kind: {"provider": "openai", "model": "m"} for kind in ("stt", "llm", "tts")},
}


def read_provider_key(kind: ProviderKind, config: ProviderConfig) -> str:
    entry = find_provider(kind, config.provider)
    assert entry is not None
    return read_provider_credentials(entry, config).api_key


def sentence_of(action: Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as error:
        action()
    return str(error.value)


def with_provider(kind: str, **fields: Any) -> str:
    provider = {**AGENT["providers"][kind], **fields}
    return json.dumps({**AGENT, "providers": {**AGENT["providers"], kind: provider}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON: Expecting value"),
        ("[1]", "is wrong at the whole:"),
        ("{}", "namespace: Field required"),
        (json.dumps({**AGENT, "schemaVersion": 2}), "schemaVersion: Input should be 1"),
        (json.dumps({**AGENT, "drainTimeoutSeconds": "long"}), "drainTimeoutSeconds: Input should be a valid integer"),
        (json.dumps({**AGENT, "livekitURL": "livekit"}), "livekitURL must be an address such as"),
        (with_provider("tts", provider="opneai"), 'provider "opneai" is not known. Did you mean "openai"?'),
        (with_provider("llm", provider="deepgram"), "Known llm providers: openai, openai_compatible, anthropic,"),
        (with_provider("llm", options={"temprature": 1}), 'is not known. Did you mean "temperature"?'),
        (with_provider("llm", options={"temperature": "hot"}), 'llm provider "openai" must be a number.'),
        (with_provider("llm", fallbacks=[{"provider": "opneai", "model": "m"}]), 'Did you mean "openai"?'),
        ("[" * 100_000, "is not JSON"),
        (" " * (MAX_BYTES + 1), "has more than"),
    ],
)
def test_unusable_config_is_refused_with_the_file_and_the_reason(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "agent.json"
    path.write_text(text)
    sentence = sentence_of(lambda: load_config(path))
    assert sentence.startswith(f"The agent's config file {path}")
    assert words in sentence
    assert "\n" not in sentence


def test_config_that_is_missing_a_folder_or_no_text_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in sentence_of(lambda: load_config(tmp_path / "none.json"))
    assert "cannot be read" in sentence_of(lambda: load_config(tmp_path))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text" in sentence_of(lambda: load_config(tmp_path / "binary"))


def test_missing_credential_names_kind_provider_path_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "OPENAI_API_KEY"
    config = ProviderConfig(provider="openai", model="m", credentials_path=str(path))
    assert sentence_of(lambda: read_provider_key("tts", config)) == (
        f'The credential of the tts provider "openai" is missing: there is no file {path}. '
        "Create the Secret, or name another in credentialsSecretRef."
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "is not text"),
        (b"sk-one\nsk-two", "holds more than one line"),
        (b"sk-\x00", "unprintable"),
    ],
)
def test_unusable_credential_is_refused_without_being_shown(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "OPENAI_API_KEY"
    path.write_bytes(content)
    config = ProviderConfig(provider="openai", model="m", credentials_path=str(path))
    sentence = sentence_of(lambda: read_provider_key("llm", config))
    assert words in sentence and str(path) in sentence
    assert "sk-" not in sentence


def test_credential_may_be_left_out_only_for_a_server_of_ones_own() -> None:
    assert read_provider_key("llm", ProviderConfig(provider="openai", model="m", base_url="http://own/v1")) == NO_KEY
    sentence = sentence_of(lambda: read_provider_key("llm", ProviderConfig(provider="openai", model="m")))
    assert "gives no credentialsPath" in sentence


def test_missing_livekit_credential_names_its_key_and_the_secret(tmp_path: Path) -> None:
    (tmp_path / "LIVEKIT_API_KEY").write_text("key")
    sentence = sentence_of(lambda: read_livekit_credentials(tmp_path))
    assert sentence == (
        f"The LiveKit credential LIVEKIT_API_SECRET is missing: there is no file {tmp_path}/LIVEKIT_API_SECRET. "
        "Set that key in the agent's LiveKit Secret."
    )


def test_livekit_secret_does_not_show_in_a_representation(tmp_path: Path) -> None:
    (tmp_path / "LIVEKIT_API_KEY").write_text("key\n")
    (tmp_path / "LIVEKIT_API_SECRET").write_text("do-not-show")
    assert "do-not-show" not in repr(read_livekit_credentials(tmp_path))


def test_provider_that_the_image_lacks_is_told_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = catalogue.ProviderEntry(
        "other", "llm", (Credential("KEY", ""),), "m", "livekit_plugins_other.nothing:build_llm"
    )
    monkeypatch.setattr(providers, "find_entry", lambda kind, name: entry)
    with pytest.raises(DependencyNotFoundError) as error:
        providers.find_factory("llm", "other")
    assert str(error.value).startswith(
        'The llm provider "other" needs livekit_plugins_other, which this worker image lacks.'
    )


def without_package(package: str) -> None:
    raise PackageNotFoundError(package)


CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-6", "credentialsPath": "/secrets/anthropic"}
LACKING = 'The llm provider "anthropic" needs livekit-plugins-anthropic, which this worker image lacks.'


def test_provider_of_the_full_image_is_refused_with_the_configuration_and_the_image_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(registry, "distribution", without_package)
    path = tmp_path / "agent.json"
    path.write_text(json.dumps({**AGENT, "providers": {**AGENT["providers"], "llm": CLAUDE}}))
    assert sentence_of(lambda: load_config(path)) == (
        f"The agent's config file {path} cannot be used: {LACKING} Use its full variant: worker.image.variant=full in "
        "the values of the install's chart, or the image worker-full in spec.image; without an image, install "
        "voiceagent-worker[full]."
    )


def test_fallback_of_the_full_image_is_done_without_and_told_by_the_checks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(registry, "distribution", without_package)
    path = tmp_path / "agent.json"
    path.write_text(with_provider("llm", fallbacks=[CLAUDE]))
    asked = {question.config.provider: question for question in questions(load_config(path).config)}
    assert (asked["anthropic"].problem, asked["anthropic"].remedy) == (LACKING, registry.FULL_REMEDY)
    assert not asked["openai"].remedy


def test_error_that_is_nobodys_fault_points_to_the_log_and_shows_nothing_of_itself() -> None:
    sentence = user_sentence(ZeroDivisionError("secret detail"))
    assert sentence == "An unexpected ZeroDivisionError ended the session; the pod's log has the details."
    assert user_sentence(ConfigurationError("Say this.")) == "Say this."


@pytest.mark.parametrize("broken", ["config", "livekit"])
def test_worker_that_cannot_start_exits_with_2_and_one_line_on_standard_error(tmp_path: Path, broken: str) -> None:
    config = tmp_path / "agent.json"
    config.write_text("{" if broken == "config" else json.dumps(AGENT))
    done = subprocess.run(
        [sys.executable, "-m", "voiceagent_worker", "--config", str(config), "--livekit-credentials", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert str(tmp_path) in done.stderr
