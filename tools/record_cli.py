"""Records a terminal session of the command line as a picture.

    record_cli.py file docs/images/cli-file.svg
    record_cli.py cluster docs/images/cli.svg       # KUBECONFIG names a sandbox without a VoiceAgent

The commands run as they would for anybody, on a terminal, in a new folder; the picture shows what they wrote. In the
cluster's session somebody must call the agent: tools/picture_call.py does.
"""

import io
import os
import pty
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from terminal_picture import Step, moving, still

COLUMNS = {"file": 110, "cluster": 134}
WINDOW_ROWS = 28
FILE = (
    "voiceagent init receptionist --instructions 'You answer the phone of Blue Dental.' -f agent.yaml",
    "voiceagent change-tts elevenlabs eleven_turbo_v2_5 --voice Rachel -f agent.yaml",
    "voiceagent plugins add --name sentiment_analisys -f agent.yaml",
    "voiceagent plugins add --name sentiment_analysis -f agent.yaml --yes",
    "voiceagent show -f agent.yaml",
)
CLUSTER = (
    "voiceagent init receptionist --instructions 'You answer the phone of Blue Dental.' -f agent.yaml",
    "voiceagent apply -f agent.yaml",
    "voiceagent rollout status",
    "voiceagent status",
    "voiceagent sessions",
    "voiceagent change-llm openai gpt-4o",
    "voiceagent rollout history",
    "voiceagent rollout undo --yes",
)
SESSIONS = {"file": FILE, "cluster": CLUSTER}
CALL_FIRST = "voiceagent sessions"
"""Waits until somebody calls the agent, so that there is something to see."""
CALL_SECONDS = 300


def on_a_terminal(command: str, folder: Path, columns: int) -> str:
    """What a command writes on a terminal of its own, whose questions are answered by yes or by what they propose."""
    ours, theirs = pty.openpty()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "TERM": "xterm-256color", "COLUMNS": str(columns)}
    environment.pop("NO_COLOR", None)
    words = ["sh", "-c", command]
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment)
    os.close(theirs)
    seen, answered = "", 0
    with suppress(OSError):
        while chunk := os.read(ours, 65536):
            seen += chunk.decode()
            if seen.endswith(": ") and answered < len(seen):
                os.write(ours, b"y\n" if seen.endswith("(y/N): ") else b"\n")
                answered = len(seen)
    os.close(ours)
    process.wait(60)
    return seen.replace("\r\n", "\n")


def until_called(folder: Path) -> None:
    """Wait for a call that has had its first answer."""
    end = time.monotonic() + CALL_SECONDS
    while (
        '"turn_count": 0' in (calls := on_a_terminal("voiceagent sessions -o json", folder, 80)) or "room" not in calls
    ):
        if time.monotonic() > end:
            sys.exit("Nobody called the agent.")
        time.sleep(1)


def record(session: str) -> list[Step]:
    """Run a session's commands."""
    steps = []
    with tempfile.TemporaryDirectory() as folder:
        for command in SESSIONS[session]:
            if command == CALL_FIRST:
                until_called(Path(folder))
            steps.append(Step(command, on_a_terminal(command, Path(folder), COLUMNS[session])))
    return steps


def main(session: str, target: Path) -> None:
    """Write the picture."""
    console = Console(record=True, width=COLUMNS[session], file=io.StringIO(), force_terminal=True, highlight=False)
    steps = record(session)
    svg = moving(console, steps, WINDOW_ROWS) if session == "cluster" else still(console, steps)
    target.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
