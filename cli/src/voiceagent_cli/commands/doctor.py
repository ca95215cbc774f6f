"""`doctor`: what is wrong between here and a spoken word, and what to do."""

import typer

from voiceagent_cli import options, screen
from voiceagent_cli.errors import Exit
from voiceagent_cli.running import run
from voiceagent_cli.tables import Format


def doctor(
    namespace: options.Namespace = None,
    context: options.Context = None,
    output: options.Output = Format.TABLE,
) -> None:
    """Check all between here and a spoken word. Exit code 1 where something is bad."""
    from voiceagent_cli.diagnosis import Verdict, diagnose, diagnosis_answer
    from voiceagent_cli.examination import examine

    checks = diagnose(run(examine(namespace, context)))
    screen.answer(diagnosis_answer(checks), output)
    if any(check.verdict is Verdict.BAD for check in checks):
        raise typer.Exit(int(Exit.NO))
