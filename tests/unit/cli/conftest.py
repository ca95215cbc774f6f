"""The command line as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., Done]:
    """Runs `voiceagent` in a folder of the test's own, without a terminal and without a cluster."""

    def run(*words: str, text: str = "") -> Done:
        environment = {
            **os.environ,
            "KUBECONFIG": str(tmp_path / "no-kubeconfig"),
            "HOME": str(tmp_path),
            "COLUMNS": "120",
            "NO_COLOR": "1",
        }
        program = Path(sys.executable).with_name("voiceagent")
        done = subprocess.run(
            [str(program), *words],
            input=text,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=60,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The example's manifest, to change."""
    path = tmp_path / "agent.yaml"
    path.write_text((REPOSITORY / "crds/examples/receptionist.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return path
