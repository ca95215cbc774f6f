"""Builds a release from the commit that is checked out: `make release`. See docs/releasing.md."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from packages import ReleaseError, Stamp, build_packages, pack  # noqa: E402
from version import agreed_version  # noqa: E402

SUMS = "SHA256SUMS"
MANY = 5


def main() -> int:
    """The exit code: 0, or 1 with a sentence."""
    try:
        require_clean(ROOT)
        stamp = stamp_of(ROOT)
        out = ROOT / "build" / "release" / stamp.version
        shutil.rmtree(out, ignore_errors=True)
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder)
            export(ROOT, source)
            build_packages(source, out, stamp, Path(os.environ["HELM_BINARY"]))
        make("client")
        pack(ROOT / "client" / "dist", out / f"voiceagent-client-{stamp.version}.tar.gz", stamp)
        if has_target("docs"):
            make("docs")
            pack(ROOT / "build" / "site", out / f"voiceagent-docs-{stamp.version}.tar.gz", stamp)
        add_images(out)
        # what was built must not have changed what it was built from
        require_clean(ROOT)
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    (out / SUMS).write_text("".join(sums(out)), encoding="utf-8")
    print(f"Release {stamp.version} of commit {stamp.revision}: {out.relative_to(ROOT)}")
    return 0


def require_clean(root: Path) -> None:
    """Raises ReleaseError where files differ from the commit, or are in no commit."""
    changed = git(root, "status", "--porcelain").splitlines()
    if changed:
        named = ", ".join(line[3:] for line in changed[:MANY]) + (", …" if len(changed) > MANY else "")
        raise ReleaseError(
            f"A release is built from a commit, and these files are not as in it: {named}. Commit them, or put them "
            "away (git stash --include-untracked)."
        )


def stamp_of(root: Path) -> Stamp:
    """Version, commit and time of what is checked out."""
    revision, epoch = git(root, "log", "-1", "--abbrev=12", "--format=%h %ct").split()
    return Stamp(agreed_version(root), revision, int(epoch))


def export(root: Path, folder: Path) -> None:
    """The commit's files, and none of those that lie about."""
    archive = folder.with_suffix(".tar")
    try:
        git(root, "archive", "--format=tar", "-o", str(archive), "HEAD")
        shutil.unpack_archive(archive, folder, filter="data")
    finally:
        archive.unlink(missing_ok=True)


def add_images(out: Path) -> None:
    """The images, with what is in each; left out where there is no Docker, or `IMAGES=no` says so."""
    if os.environ.get("IMAGES") == "no" or not shutil.which("docker"):
        print("Without images: there is no docker here, or IMAGES=no.")
        return
    made = ROOT / "build" / "images"
    shutil.rmtree(made, ignore_errors=True)
    command = [sys.executable, "-m", "voiceagent_sandbox", "images", "save"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "sandbox" / "src")}
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        raise ReleaseError("The images could not be built; see above. IMAGES=no makes a release without them.")
    shutil.move(made, out / "images")


def sums(out: Path) -> Iterator[str]:
    """A line a file, as `sha256sum --check` reads them."""
    for file in sorted(out.rglob("*")):
        if file.is_file() and file.name != SUMS:
            with file.open("rb") as data:
                digest = hashlib.file_digest(data, "sha256").hexdigest()
            yield f"{digest}  {file.relative_to(out).as_posix()}\n"


def has_target(name: str) -> bool:
    """Whether the Makefile has it."""
    return re.search(rf"^{name}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE) is not None


def make(target: str) -> None:
    """Run a target. Raises ReleaseError."""
    if subprocess.run(["make", "--no-print-directory", target], cwd=ROOT, check=False).returncode:
        raise ReleaseError(f"`make {target}` failed; see above.")


def git(root: Path, *words: str) -> str:
    """What git says. Raises ReleaseError."""
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"`git {words[0]}` failed: {done.stderr.strip()}")
    return done.stdout.strip("\n")


if __name__ == "__main__":
    sys.exit(main())
