"""Where the worker finds things."""

from pathlib import Path

import pytest
from voiceagent_worker.settings import LOCAL_REVISION, read_settings


def test_pod_needs_no_flags() -> None:
    settings = read_settings([], {"POD_NAMESPACE": "shop", "POD_NAME": "pod-1", "VOICEAGENT_REVISION": "abc"})
    assert settings.config_path == Path("/etc/voiceagent/agent.json")
    assert settings.livekit_path == Path("/var/run/voiceagent/livekit")
    assert settings.control_token_path == Path("/var/run/voiceagent/control/token")
    assert (settings.host, settings.port) == ("0.0.0.0", 8080)
    assert (settings.namespace, settings.pod, settings.revision) == ("shop", "pod-1", "abc")


def test_flags_win_over_the_environment_and_without_either_it_is_a_local_worker() -> None:
    environment = {"VOICEAGENT_CONFIG": "/from/env.json"}
    assert read_settings([], environment).config_path == Path("/from/env.json")
    settings = read_settings(["--config", "/from/flag.json", "--port", "1234"], environment)
    assert (settings.config_path, settings.port) == (Path("/from/flag.json"), 1234)
    assert settings.namespace is None and settings.revision == LOCAL_REVISION
    assert settings.pod


def test_number_of_sessions_is_that_of_the_pod_template_and_ten_without_one() -> None:
    assert read_settings([], {"VOICEAGENT_MAX_SESSIONS": "3"}).max_sessions == 3
    assert read_settings(["--max-sessions", "4"], {"VOICEAGENT_MAX_SESSIONS": "3"}).max_sessions == 4
    assert read_settings([], {}).max_sessions == 10


@pytest.mark.parametrize("text", ["0", "-1", "many", "2.5"])
def test_number_of_sessions_that_is_none_ends_with_2(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        read_settings([], {"VOICEAGENT_MAX_SESSIONS": text})
    assert error.value.code == 2
    assert f"{text!r} is no whole number of at least 1" in capsys.readouterr().err


def test_wrong_flag_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        read_settings(["--prot", "1"], {})
    assert error.value.code == 2
    assert "--prot" in capsys.readouterr().err
