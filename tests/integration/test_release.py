"""A release comes out the same from the same commit, wherever it is built, and has in it what it should."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from packages import PARTS, Stamp, build_packages, pack
from version import agreed_version

REPO = Path(__file__).resolve().parents[2]
STAMP = Stamp(agreed_version(REPO), "0123456789ab", 1_700_000_000)
HELM = Path(os.environ.get("HELM_BINARY", "helm"))


def sources(folder: Path) -> Path:
    """What is built from, laid anew: with other times and in another place."""
    for name in (*PARTS, "charts"):
        shutil.copytree(
            REPO / name,
            folder / name,
            copy_function=shutil.copyfile,
            ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "dist"),
        )
    return folder


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two, built of the same files in two places."""
    made = []
    for name in ("first", "second/deeper"):
        folder = tmp_path_factory.mktemp("release") / name
        build_packages(sources(folder / "source"), folder / "out", STAMP, HELM)
        made.append(folder / "out")
    return made[0], made[1]


def sums(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def test_two_builds_in_different_places_give_the_same_files(releases: tuple[Path, Path]) -> None:
    first, second = map(sums, releases)
    assert len(first) == 2 * len(PARTS) + 2
    assert first == second


def test_wheel_and_source_archive_know_the_commit_that_they_are_of(releases: tuple[Path, Path], tmp_path: Path) -> None:
    wheel = next(releases[0].glob("voiceagent_api-*.whl"))
    with zipfile.ZipFile(wheel) as opened:
        assert opened.read("voiceagent_api/revision.txt") == b"0123456789ab\n"
    source = next(releases[0].glob("voiceagent_api-*.tar.gz"))
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = next(tmp_path.iterdir())
    assert (unpacked / "src/voiceagent_api/revision.txt").read_text() == "0123456789ab\n"


def test_the_chart_is_of_the_release_and_has_the_crd(releases: tuple[Path, Path]) -> None:
    with tarfile.open(releases[0] / f"voiceagent-operator-{STAMP.version}.tgz") as archive:
        chart = yaml.safe_load(archive.extractfile("voiceagent-operator/Chart.yaml") or io.BytesIO())
        crd = (archive.extractfile("voiceagent-operator/files/voiceagents.yaml") or io.BytesIO()).read()
        assert {entry.mtime for entry in archive} == {STAMP.epoch}
    assert (chart["version"], chart["appVersion"]) == (STAMP.version, STAMP.version)
    assert crd == (releases[0] / f"voiceagents-crd-{STAMP.version}.yaml").read_bytes()


def test_an_archive_depends_on_nothing_but_what_its_files_hold(tmp_path: Path) -> None:
    made = []
    for name, order in (("a", ("x", "y")), ("b", ("y", "x"))):
        folder = tmp_path / name / "site"
        (folder / "below").mkdir(parents=True)
        for file in order:
            (folder / "below" / file).write_text(file)
        archive = tmp_path / name / "site-1.tar.gz"
        pack(folder, archive, STAMP)
        made.append(archive.read_bytes())
    assert made[0] == made[1]


def test_a_release_of_files_that_are_in_no_commit_is_refused_in_a_sentence(tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    (root / "tools").mkdir(parents=True)
    shutil.copytree(REPO / "tools/release", root / "tools/release", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(REPO / "tools/version.py", root / "tools/version.py")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "x")):
        subprocess.run(["git", *words], cwd=root, check=True)
    (root / "left.txt").write_text("about")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HELM_BINARY": str(HELM)}
    done = subprocess.run(
        [sys.executable, root / "tools/release"], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 1
    assert done.stderr == (
        "A release is built from a commit, and these files are not as in it: left.txt. Commit them, or put them away "
        "(git stash --include-untracked).\n"
    )
