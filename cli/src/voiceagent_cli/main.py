"""`voiceagent`, and the same as `kubectl voiceagent`."""

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from voiceagent_api.version import version_line

from voiceagent_cli import screen
from voiceagent_cli.commands import (
    agents,
    calls,
    cluster,
    completion,
    dev,
    doctor,
    import_env,
    init,
    keys,
    logs,
    rollout,
    talk,
)
from voiceagent_cli.errors import CliError


def _say_version(wanted: bool) -> None:
    if wanted:
        print(version_line("voiceagent", "voiceagent-cli"))
        raise typer.Exit


app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Voice agents in files and on clusters, with no code. With -f FILE a command works on a manifest, "
    "without on the cluster of the kubeconfig. Every change is shown before it is made.",
)
app.command()(agents.show)
app.command()(agents.list_providers)
app.command()(agents.change_llm)
app.command()(agents.change_stt)
app.command()(agents.change_tts)
app.add_typer(agents.plugins, name="plugins")
app.command()(init.init)
app.command("import-env")(import_env.import_env)
app.command()(cluster.apply)
app.command()(cluster.diff)
app.command()(cluster.status)
app.command()(cluster.scale)
app.add_typer(rollout.rollout, name="rollout")
app.command()(logs.logs)
app.command()(calls.sessions)
app.command()(calls.metrics)
app.command()(calls.token)
app.command()(talk.talk)
app.command()(dev.dev)
app.add_typer(keys.keys, name="keys")
app.command()(doctor.doctor)
app.command()(completion.completion)


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_say_version, help="Print the version and the commit, and end."
        ),
    ] = False,
) -> None:
    pass


def main() -> int:
    """The process's exit code."""
    # What packages have to say beside their errors is nothing to whoever runs a command.
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    name = Path(sys.argv[0]).name
    try:
        app(prog_name="kubectl voiceagent" if name.startswith("kubectl-") else "voiceagent")
    except CliError as error:
        screen.fail(str(error))
        return int(error.code)
    return 0
