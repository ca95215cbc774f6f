"""What `voiceagent-worker show` prints."""

import json
from pathlib import Path
from typing import Any

import pytest
from voiceagent_worker.main import main
from voiceagent_worker.show import shown_value

FILE: dict[str, Any] = {
    "namespace": "default",
    "name": "receptionist",
    "agentName": "default-receptionist",
    "livekitURL": "ws://user:hidden-password@livekit:7880",
    "instructions": "You answer the phone.",
    "providers": {
        "stt": {"provider": "openai", "model": "m"},
        "llm": {"provider": "openai", "model": "m", "options": {"extra_headers": {"x-token": "hidden-token"}}},
        "tts": {"provider": "openai", "model": "m"},
    },
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", "hidden-key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "hidden-secret")
    monkeypatch.delenv("LIVEKIT_API_KEY", raising=False)
    monkeypatch.setenv("LLM_MODEL", "gpt-5")
    path = tmp_path / "agent.json"
    path.write_text(json.dumps(FILE))
    return path


def test_table_has_each_value_and_its_origin_and_no_secret(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--config", str(config), "--livekit-credentials", str(config.parent)]) == 0
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["KEY", "VALUE", "FROM"]
    assert ["providers.llm.model", "gpt-5", "env", "LLM_MODEL"] in rows
    assert ["name", "receptionist", "file", str(config)] in rows
    assert ["language", "en", "default"] in rows
    assert ["providers.llm", "key", "set", "env", "OPENAI_API_KEY"] in rows
    assert ["LIVEKIT_API_SECRET", "set", "env", "LIVEKIT_API_SECRET"] in rows
    assert ["LIVEKIT_API_KEY", "missing", "file", f"{config.parent}/LIVEKIT_API_KEY"] in rows
    assert "hidden" not in out


def test_json_says_the_same_for_programs(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--json", "--config", str(config), "--set", "language=fr"]) == 0
    out = capsys.readouterr().out
    told = json.loads(out)
    assert {"key": "language", "value": "fr", "origin": "--set language"} in told["values"]
    assert told["problems"] == [] and "hidden" not in out


def test_configuration_that_cannot_be_used_is_one_line_and_code_2(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text("{")
    assert main(["show", "--config", str(config)]) == 2
    assert "is not JSON" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("options.api_key", "x", "***"),
        ("providers.llm.credentialsPath", "/secrets/x", "/secrets/x"),
        ("providers.llm.baseURL", "https://host/v1?key=x", "https://host/v1?***"),
        ("plugins", [{"name": "crm", "config": {"password": "x"}}], [{"name": "crm", "config": {"password": "***"}}]),
    ],
)
def test_what_may_be_a_secret_is_masked(key: str, value: object, shown: object) -> None:
    assert shown_value(key, value) == shown
