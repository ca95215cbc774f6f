"""The terminal: answers go to standard output, everything else to standard error. Colours only where somebody looks."""

import sys
from collections.abc import Sequence
from functools import cache

from rich.console import Console
from rich.text import Text

from voiceagent_cli.errors import CliError, Exit, usage
from voiceagent_cli.tables import Answer, Format


@cache
def _console(*, errors: bool) -> Console:
    # rich itself heeds NO_COLOR, and leaves colours away where there is no terminal
    return Console(stderr=errors, highlight=False, markup=False, emoji=False, soft_wrap=True)


def put(text: str) -> None:
    """An answer, as it is."""
    sys.stdout.write(text)
    sys.stdout.flush()


def answer(what: Answer, form: Format) -> None:
    """An answer in the form that was asked for."""
    text = what.text(form)
    if form is Format.TABLE and what.headers and text:
        first, _, rest = text.partition("\n")
        _console(errors=False).print(Text(first, "bold"))
        put(rest)
    else:
        put(text)


def say(text: str) -> None:
    """Something for people beside the answer."""
    _console(errors=True).print(Text(text))


def warn(text: str) -> None:
    """Something that people should not overlook."""
    _console(errors=True).print(Text.assemble(("Note: ", "yellow"), text))


def fail(text: str) -> None:
    """Why the command ends."""
    _console(errors=True).print(Text.assemble(("Error: ", "bold red"), text))


def show_difference(lines: Sequence[str]) -> None:
    """A unified diff, as an answer."""
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        style = "bold" if line.startswith(("+++", "---")) else styles.get(line[:1], "")
        _console(errors=False).print(Text(line, style))


def is_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, default: str = "") -> str:
    """A line from the user; the default for an empty one."""
    hint = f" [{default}]" if default else ""
    say_without_newline(f"{question}{hint}: ")
    line = sys.stdin.readline()
    if not line:
        raise CliError("There was no answer; nothing was changed.", Exit.NO)
    return line.strip() or default


def agreed(question: str) -> None:
    """Returns where the user says yes. Raises CliError where not, or where nobody is there to ask."""
    if not is_terminal():
        raise usage(
            "Nothing was changed: there is no terminal to ask on. Add --yes to do it, or --dry-run to only look."
        )
    if ask(f"{question} (y/N)").lower() not in ("y", "yes", "o", "oui"):
        raise CliError("Nothing was changed.", Exit.NO)


def say_without_newline(text: str) -> None:
    """The beginning of a line, for an answer behind it."""
    _console(errors=True).print(Text(text), end="")
