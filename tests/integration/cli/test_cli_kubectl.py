"""The command line as a plugin of the real kubectl."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FILES, NO_FILES = ":0", ":4"


def kubectl(desk: Any, *words: str) -> str:
    """What kubectl prints, with the programs of this installation on the PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(desk.cluster.binaries / "kubectl"), *words],
        capture_output=True,
        text=True,
        cwd=desk.folder,
        env={**desk.env, "PATH": path},
        timeout=60,
        check=True,
    )
    return done.stdout


def test_kubectl_runs_it_as_its_own_command(desk: Any) -> None:
    desk.apply()
    assert kubectl(desk, "voiceagent", "show", "-o", "name") == "voiceagent.voiceagents.dev/receptionist\n"
    assert "Usage: kubectl voiceagent" in kubectl(desk, "voiceagent", "--help")


@pytest.mark.parametrize(
    ("words", "names", "directive"),
    [
        (["ch"], ["change-llm", "change-stt", "change-tts"], NO_FILES),
        (["change-llm", "anth"], ["anthropic"], NO_FILES),
        (["plugins", "add", "--name", "senti"], ["sentiment_analysis"], NO_FILES),
        (["show", "--output", ""], ["table", "json", "yaml", "name"], NO_FILES),
        (["show", "--file", "a"], [], FILES),
    ],
)
def test_kubectl_completes_its_words(desk: Any, words: list[str], names: list[str], directive: str) -> None:
    *lines, last = kubectl(desk, "__complete", "voiceagent", *words).splitlines()
    assert [line.partition("\t")[0] for line in lines] == names
    assert last == directive


def test_kubectl_says_what_a_command_is_for(desk: Any) -> None:
    assert "change-llm\tChange who thinks: the language model." in kubectl(desk, "__complete", "voiceagent", "ch")
