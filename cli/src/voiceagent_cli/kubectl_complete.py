"""`kubectl_complete-voiceagent`: what kubectl asks for the words that may follow `kubectl voiceagent …`.

kubectl gives the words after the plugin's name, the last of them being the one to complete, and reads a candidate a
line with its description behind a tab, then a number that says what the shell should do with them.
"""

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO

PROGRAM = "voiceagent"
NO_FILES = 4
"""Cobra's ShellCompDirectiveNoFileComp."""
FILES = 0
"""Cobra's ShellCompDirectiveDefault: where nothing is known, the names of files."""


def main() -> int:
    """Print the candidates for the words that the process was given."""
    found = candidates(sys.argv[1:])
    directive = NO_FILES if found else FILES
    sys.stdout.write("".join(f"{line}\n" for line in [*found, f":{directive}"]))
    return 0


def candidates(words: Sequence[str]) -> list[str]:
    """Words that may stand in place of the last of these, each with its description behind a tab."""
    from voiceagent_cli.main import app

    *before, last = words or [""]
    line = shlex.join([PROGRAM, *before, *([last] if last else [])]) + ("" if last else " ")
    # The protocol between typer and fish has what kubectl wants: a word, a tab, and what it means.
    os.environ |= {
        "_VOICEAGENT_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": line,
    }
    answer = StringIO()
    # Whoever completes is done then, and says so by leaving.
    with redirect_stdout(answer), suppress(SystemExit):
        app(prog_name=PROGRAM, standalone_mode=False)
    return [line for line in answer.getvalue().splitlines() if line.strip()]
