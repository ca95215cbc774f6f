"""Where the sandbox keeps things: what is cached by content, and what lives only while it is up."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

CLUSTER_NAME = "voiceagent-sandbox"
REPO = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Paths:
    """Folders of one user's sandbox. `cache` outlives `down`; `run` does not."""

    repo: Path
    cache: Path
    run: Path

    @property
    def kubeconfig(self) -> Path:
        return self.run / "kubeconfig"

    @property
    def engine_data(self) -> Path:
        return self.cache / "engine"

    @property
    def engine_socket(self) -> Path:
        return self.run / "docker.sock"


def default_paths(environ: dict[str, str]) -> Paths:
    """The folders by the XDG rules; root's `run` is under /run."""
    home = Path(environ.get("HOME") or str(Path.home()))
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "voiceagent-operator"
    runtime = Path("/run") if os.geteuid() == 0 else Path(environ.get("XDG_RUNTIME_DIR") or cache)
    return Paths(repo=REPO, cache=cache, run=runtime / CLUSTER_NAME)


def content_hash(paths: Iterable[Path], *more: str) -> str:
    """12 hexadecimal digits over names and bytes of files (in folders: all below but caches) and strings."""
    digest = hashlib.sha256()
    for root in paths:
        files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
        for file in files:
            relative = file.relative_to(root.parent)
            if {"__pycache__", "node_modules"} & set(relative.parts):
                continue
            digest.update(f"{relative}\0".encode() + file.read_bytes() + b"\0")
    for text in more:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:12]
