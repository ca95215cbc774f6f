"""The files of a release that are the same whenever and wherever they are made from the same commit."""

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

PARTS = ("crds", "operator", "gateway", "cli", "agent_image")
"""What is given to others as wheels and source archives; the sandbox's own parts are not."""
CHART = "charts/voiceagent-operator"
CRD = "crds/voiceagents.yaml"


class ReleaseError(Exception):
    """Why there is no release; a sentence for whoever wanted it."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a release says of itself."""

    version: str
    revision: str
    epoch: int
    """When its commit was made, in seconds since 1970: the time of every file in it."""


def build_packages(source: Path, out: Path, stamp: Stamp, helm: Path) -> None:
    """Wheels and source archives of the parts, the chart, and the CRD. Raises ReleaseError."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(stamp.epoch), "VOICEAGENT_COMMIT": stamp.revision}
    out.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        command = [sys.executable, "-m", "hatchling", "build", "-d", str(out.resolve())]
        _run(command, source / part, environment)
    _run([str(helm), "package", str(source / CHART), "-d", str(out)], source, environment)
    shutil.copyfile(source / CRD, out / f"voiceagents-crd-{stamp.version}.yaml")


def pack(folder: Path, archive: Path, stamp: Stamp) -> None:
    """A folder as .tar.gz that depends on nothing but what its files hold."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = stamp.epoch
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    name = archive.name.removesuffix(".tar.gz")
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=stamp.epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for file in sorted(folder.rglob("*")):
            tar.add(file, f"{name}/{file.relative_to(folder).as_posix()}", recursive=False, filter=plain)


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ReleaseError(f"{command[0]} cannot be run: {error.strerror}.") from error
    if done.returncode:
        raise ReleaseError(f"`{' '.join(command)}` in {folder} failed: {(done.stderr or done.stdout).strip()}")
