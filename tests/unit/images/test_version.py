"""One version in every file that says one, and programs that tell it with the commit."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import version as versions
from voiceagent_api import names
from voiceagent_api import version as told

REPO = Path(__file__).resolve().parents[3]
PROGRAMS = {
    "voiceagent-operator": "voiceagent_operator",
    "voiceagent-gateway": "voiceagent_gateway",
    "voiceagent-worker": "voiceagent_worker",
    "voiceagent": "voiceagent_cli",
    "voiceagent-caller": "voiceagent_caller",
    "voiceagent-speech": "voiceagent_speech",
}


def copied(folder: Path) -> Path:
    for file in {place.file for place in versions.PLACES}:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPO / file, folder / file)
    return folder


def test_every_file_says_the_same_version() -> None:
    assert versions.agreed_version(REPO)


def test_a_new_version_is_written_into_every_file(tmp_path: Path) -> None:
    root = copied(tmp_path)
    versions.write_version(root, "7.8.9-rc.1")
    assert set().union(*versions.found_versions(root).values()) == {"7.8.9-rc.1"}


def test_a_file_that_says_another_version_is_named(tmp_path: Path) -> None:
    root = copied(tmp_path)
    chart = root / "charts/voiceagent-operator/Chart.yaml"
    chart.write_text(chart.read_text().replace("\nappVersion: ", "\nappVersion: 9"))
    with pytest.raises(SystemExit, match=r"disagree on the version.*Chart.yaml: 9"):
        versions.agreed_version(root)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_tells_its_version_and_commit(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", PROGRAMS[program], "--version"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"VOICEAGENT_COMMIT": "0123456789ab", "PATH": "/usr/bin:/bin", "HOME": "/tmp"},
    )
    release = versions.agreed_version(REPO)
    assert (done.returncode, done.stdout) == (0, f"{program} {release} (commit 0123456789ab)\n"), done.stderr


def test_the_commit_is_that_of_the_image_else_of_the_wheel_else_of_the_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m=x"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    written = tmp_path / "revision.txt"
    monkeypatch.setattr(told, "REVISION_FILE", written)
    monkeypatch.setattr(told, "CHECKOUT", tmp_path)
    assert told.revision({}) == head[:12]
    written.write_text("of-the-wheel\n")
    assert told.revision({}) == "of-the-wheel"
    assert told.revision({"VOICEAGENT_COMMIT": "of-the-image"}) == "of-the-image"
    written.unlink()
    monkeypatch.setattr(told, "CHECKOUT", tmp_path / "elsewhere")
    assert told.revision({"VOICEAGENT_COMMIT": ""}) == "unknown"


def test_an_images_commit_is_not_taken_for_the_revision_of_an_agent() -> None:
    assert told.ENV_COMMIT not in vars(names).values()
