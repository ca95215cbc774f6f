"""What a program says when it is asked for its version: the release, and the commit that it was made of.

An image tells the commit by its environment, a wheel by a file that its build left here, a checkout by git.
"""

import argparse
import os
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

ENV_COMMIT: Final = "VOICEAGENT_COMMIT"
"""Set in images, and read by the build of a wheel."""
REVISION_FILE: Final = Path(__file__).with_name("revision.txt")
"""Only in wheels and source archives; `hatch_build.py` writes it."""
CHECKOUT: Final = Path(__file__).resolve().parents[3]
UNKNOWN: Final = "unknown"
GIT_SECONDS: Final = 10.0


def version_line(program: str, package: str) -> str:
    """The program, its release, and the commit in brackets. `package` is the distribution that the program is of."""
    return f"{program} {package_version(package)} (commit {revision(os.environ)})"


def package_version(package: str) -> str:
    """The release of an installed package, or that it is unknown."""
    try:
        return version(package)
    except PackageNotFoundError:
        return UNKNOWN


def revision(environment: Mapping[str, str]) -> str:
    """The commit, with `-dirty` where files differed from it, or that it is unknown. May ask git: not for a loop."""
    return environment.get(ENV_COMMIT, "").strip() or _written() or _asked_of_git() or UNKNOWN


class VersionOption(argparse.Action):
    """Prints the line and ends. Made when it is asked for, and no sooner: a checkout asks git."""

    def __init__(self, option_strings: Sequence[str], dest: str, program: str, package: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help="print the version and the commit, and end")
        self._words = (program, package)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print and end with 0."""
        print(version_line(*self._words))
        parser.exit()


def _written() -> str:
    try:
        return REVISION_FILE.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _asked_of_git() -> str:
    if not (CHECKOUT / ".git").exists():
        return ""
    # no tags: the release is told beside it
    words = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    try:
        done = subprocess.run(  # noqa: S603 (fixed words)
            words, cwd=CHECKOUT, capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
