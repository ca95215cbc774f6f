"""What is asked of a machine, and how it is named when it is missing."""

from pathlib import Path

import pytest
from voiceagent_sandbox import requirements
from voiceagent_sandbox.process import Runner, SandboxError
from voiceagent_sandbox.progress import Progress
from voiceagent_sandbox.requirements import Need, choose_packages, missing, read_version

NONE = Need("no-such-thing", ("first", "second"), programs=("no-such-program",))


def test_a_program_that_any_of_its_names_finds_is_there() -> None:
    assert Need("shell", ("dash",), programs=("no-such-program", "sh")).there()
    assert missing((NONE, Need("shell", ("dash",), programs=("sh",)))) == (NONE,)


def test_a_module_and_a_library_are_looked_for_where_they_live() -> None:
    assert Need("json", ("python3",), module="json").there()
    assert not Need("none", ("python3",), module="no_such_module").there()
    assert not Need("none", ("none",), library="libno-such.so.1").there()


def test_the_first_package_that_apt_knows_is_taken_each_once() -> None:
    docker = requirements.DOCKER_NEEDS[:2]
    assert choose_packages(docker, lambda name: name == "docker.io") == ("docker.io",)
    assert choose_packages(docker, lambda name: True) == ("docker.io", "docker-cli")


def test_what_apt_has_no_package_of_is_told_with_its_cure() -> None:
    with pytest.raises(SandboxError, match="snap install chromium"):
        choose_packages(requirements.TEST_NEEDS, lambda name: name != "chromium")


def test_someone_who_is_not_root_gets_one_command_for_all_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "is_root", lambda: False)
    monkeypatch.setattr(requirements, "_apt_knows", lambda name: name != "first")
    with pytest.raises(SandboxError, match="lacks no-such-thing") as refusal:
        requirements.require((NONE,), Runner(tmp_path / "log", {}), Progress(lambda: ""))
    assert "sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends second'" in str(refusal.value)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("go version go1.26.3 linux/amd64", (1, 26, 3)),
        ("go version go1.27rc1 linux/amd64", (1, 27, 0)),
        ("v22.20.0", (22, 20, 0)),
        ("command not found", (0, 0, 0)),
    ],
)
def test_a_version_has_three_parts(said: str, version: tuple[int, ...]) -> None:
    assert read_version(said) == version


def test_a_go_that_the_pinned_modules_refuse_is_too_old() -> None:
    assert read_version("go1.26.3") < requirements.GO_LEAST <= read_version("go1.26.4")


def test_a_note_is_shown_whole_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    Progress(lambda: "").note("Install with: " + "x" * 300)
    assert "x" * 300 in capsys.readouterr().err
