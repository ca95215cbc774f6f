"""Folders that hold half-made images: gone when the work is done, and swept away after a kill."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from voiceagent_sandbox.process import Runner

PREFIXES = ("bootstrap-", "node-", "image-")


@contextlib.contextmanager
def work_folder(cache: Path, prefix: str, runner: Runner) -> Iterator[Path]:
    """A new folder in the cache, removed after the block."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=cache))
    try:
        yield folder
    finally:
        remove_folder(folder, runner)


def remove_stale(cache: Path, runner: Runner) -> None:
    """Remove what a killed command left. Call it under the lock only: nobody else's work is in progress then."""
    for folder in cache.iterdir():
        if folder.is_dir() and folder.name.startswith(PREFIXES):
            remove_folder(folder, runner)


def remove_folder(folder: Path, runner: Runner) -> None:
    """Remove a folder with all below, but nothing through a mount that was left in it."""
    for mount in mounts_below((folder,), Path("/proc/mounts").read_text(encoding="utf-8")):
        runner.succeeds("umount", "-l", mount)
    if not mounts_below((folder,), Path("/proc/mounts").read_text(encoding="utf-8")):
        shutil.rmtree(folder, ignore_errors=True)


def mounts_below(folders: tuple[Path, ...], mounts: str) -> list[str]:
    """The mount points in the folders, innermost first. `mounts` is the text of /proc/mounts."""
    points = [line.split()[1] for line in mounts.splitlines()]
    return sorted((p for p in points if any(Path(p).is_relative_to(f) for f in folders)), reverse=True)
