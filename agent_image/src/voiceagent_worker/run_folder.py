"""The private folder in which the main process and the calls meet."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Handed to each call's process; it can be pickled."""

    path: Path

    @property
    def socket(self) -> Path:
        """The channel's Unix socket."""
        return self.path / "sessions.sock"

    @property
    def dead_providers(self) -> Path:
        """Which providers calls found dead, kept by the main process."""
        return self.path / "dead-providers.json"

    @property
    def broken_plugins(self) -> Path:
        """Which plugins calls found broken, kept by the main process."""
        return self.path / "broken-plugins.json"

    @property
    def clips(self) -> Path:
        """Sentences spoken beforehand, one file each, made by the first call that can."""
        return self.path / "clips"

    @property
    def accepted_config(self) -> Path:
        """The last good config file, kept by the main process."""
        return self.path / "agent.json"
