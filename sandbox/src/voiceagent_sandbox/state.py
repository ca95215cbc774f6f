"""Whether the sandbox is up, and on whose cluster: known from the first moment of `up` until the end of `down`."""

import json
from enum import StrEnum

from voiceagent_sandbox.paths import Paths
from voiceagent_sandbox.process import SandboxError


class Mode(StrEnum):
    """Whose cluster it is."""

    OWN = "own"
    """One that the sandbox makes and deletes."""
    EXISTING = "existing"
    """One that somebody else made, by `CLUSTER=existing`."""


class State:
    """A file in the run folder. The folder itself tells nothing."""

    def __init__(self, paths: Paths) -> None:
        self._run = paths.run
        self._file = paths.run / "up.json"

    def mode(self) -> Mode | None:
        """What `up` was told last; None when the sandbox is down."""
        try:
            return Mode(json.loads(self._file.read_text(encoding="utf-8"))["cluster"])
        except (OSError, ValueError, KeyError):
            # An engine or a cluster without the file: `up` was killed while it wrote.
            started = any((self._run / name).exists() for name in ("daemon.json", "cluster.json"))
            return Mode.OWN if started else None

    def begin(self, mode: Mode) -> None:
        """Say that the sandbox comes up. Raises SandboxError while it is up on the other kind of cluster."""
        now = self.mode()
        if now not in (None, mode):
            own = "with a cluster of its own" if now is Mode.OWN else "in an existing cluster"
            raise SandboxError(f"The sandbox is up {own}; take it down first: make demo-down")
        self._run.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps({"cluster": mode}) + "\n", encoding="utf-8")
