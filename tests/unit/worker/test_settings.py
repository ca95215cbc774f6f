"""Where the worker finds things."""

from pathlib import Path

import pytest
from voiceagent_worker.settings import LOCAL_REVISION, read_settings


def test_pod_needs_no_flags() -> None:
    settings = read_settings([], {"POD_NAMESPACE": "shop", "POD_NAME": "pod-1", "VOICEAGENT_REVISION": "abc"})
    assert settings.config_path == Path("/etc/voiceagent/agent.json")
    assert settings.livekit_path == Path("/var/run/voiceagent/livekit")
    assert (settings.host, settings.port) == ("0.0.0.0", 8080)
    assert (settings.namespace, settings.pod, settings.revision) == ("shop", "pod-1", "abc")


def test_flags_win_over_the_environment_and_without_either_it_is_a_local_worker() -> None:
    environment = {"VOICEAGENT_CONFIG": "/from/env.json"}
    assert read_settings([], environment).config_path == Path("/from/env.json")
    settings = read_settings(["--config", "/from/flag.json", "--port", "1234"], environment)
    assert (settings.config_path, settings.port) == (Path("/from/flag.json"), 1234)
    assert settings.namespace is None and settings.revision == LOCAL_REVISION
    assert settings.pod


def test_wrong_flag_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        read_settings(["--prot", "1"], {})
    assert error.value.code == 2
    assert "--prot" in capsys.readouterr().err
