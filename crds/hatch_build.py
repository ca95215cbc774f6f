"""Leaves the commit in wheels and source archives, where `voiceagent_api.version` reads it."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WRITTEN = "src/voiceagent_api/revision.txt"


class RevisionHook(BuildHookInterface):  # type: ignore[misc]
    """Not for editable installs, whose checkout is asked as it is then."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the file, unless the sources are of a source archive and have it, or nothing is known."""
        if version == "editable" or Path(self.root, WRITTEN).exists() or not (revision := self._revision()):
            return
        self._folder = tempfile.TemporaryDirectory()
        written = Path(self._folder.name, "revision.txt")
        written.write_text(f"{revision}\n", encoding="utf-8")
        place = WRITTEN if self.target_name == "sdist" else WRITTEN.removeprefix("src/")
        build_data["force_include"][str(written)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Take the file away again."""
        if hasattr(self, "_folder"):
            self._folder.cleanup()

    def _revision(self) -> str:
        if given := os.environ.get("VOICEAGENT_COMMIT"):
            return given
        if not Path(self.root).parent.joinpath(".git").exists():
            return ""
        words = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        try:
            done = subprocess.run(  # noqa: S603 (fixed words)
                words, cwd=self.root, capture_output=True, text=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip()
