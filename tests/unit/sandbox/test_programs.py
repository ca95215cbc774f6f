"""What the sandbox runs and says, without a machine to change."""

import json
import os
from pathlib import Path

import pytest
from voiceagent_sandbox.__main__ import main
from voiceagent_sandbox.cluster import bridge_network, kind_config
from voiceagent_sandbox.images import Images
from voiceagent_sandbox.install import chart_values
from voiceagent_sandbox.process import Runner, SandboxError
from voiceagent_sandbox.runc_wrapper import without_missing


def test_a_failed_program_is_told_with_its_last_lines_and_its_log(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "log", dict(os.environ))
    with pytest.raises(SandboxError, match="ended with 3") as failure:
        runner.run("sh", "-c", "echo the disk is full >&2; exit 3")
    assert "the disk is full" in str(failure.value)
    assert str(tmp_path / "log") in str(failure.value)


def test_a_program_that_hangs_is_ended_at_its_deadline(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"took over 0 s"):
        Runner(tmp_path / "log", dict(os.environ)).run("sleep", "60", timeout_seconds=0.2)


def test_what_is_written_to_a_program_is_not_logged(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "log", dict(os.environ))
    assert runner.run("sh", "-c", "wc -c", stdin="a secret").strip() == "8"
    assert "a secret" not in (tmp_path / "log").read_text()


def test_the_cluster_listens_on_loopback_only() -> None:
    config = kind_config(made_here=True)
    assert config["networking"]["apiServerAddress"] == "127.0.0.1"  # type: ignore[index]
    nodes = config["nodes"]
    assert isinstance(nodes, list)
    assert [node["role"] for node in nodes] == ["control-plane", "worker", "worker"]
    mappings = [mapping for node in nodes for mapping in node.get("extraPortMappings", [])]
    assert [mapping["listenAddress"] for mapping in mappings] == ["127.0.0.1"]


def test_a_nodes_bridge_gives_addresses_of_its_own_range() -> None:
    text = json.dumps(bridge_network("198.19.2.0/24"))
    assert "198.19.2.0/24" in text
    assert "portmap" in text


def test_the_charts_values_hold_no_secret() -> None:
    images = Images(*(f"repo/{name}:tag" for name in "abcdefg"))
    text = json.dumps(chart_values(images)).lower()
    assert "apikey" not in text
    assert "password" not in text


def test_a_capability_that_cannot_be_given_is_asked_for_no_more() -> None:
    process: dict[str, object] = {"capabilities": {"bounding": ["CAP_SYS_RESOURCE", "CAP_CHOWN"], "ambient": []}}
    without_missing(process)
    assert process == {"capabilities": {"bounding": ["CAP_CHOWN"], "ambient": []}}


def test_a_mistyped_command_ends_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "empty"]) == 1
    assert "cache clear" in capsys.readouterr().err
