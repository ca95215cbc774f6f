"""The options that many commands have, each with one spelling and one help text."""

from pathlib import Path
from typing import Annotated

import typer

from voiceagent_cli.tables import Format

File = Annotated[
    Path | None,
    typer.Option("--file", "-f", metavar="FILE", help="Work on this manifest in place of the cluster.", dir_okay=False),
]
Agent = Annotated[
    str | None,
    typer.Option("--agent", "-a", metavar="NAME", help="The VoiceAgent; may be left out where there is one only."),
]
AgentName = Annotated[
    str | None, typer.Argument(metavar="[AGENT]", help="The VoiceAgent; may be left out where there is one only.")
]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="The namespace; by default the kubeconfig context's own."),
]
Context = Annotated[str | None, typer.Option("--context", metavar="NAME", help="The kubeconfig context to use.")]
Output = Annotated[Format, typer.Option("--output", "-o", help="How the answer is printed.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the change is made.")]
Unlisted = Annotated[
    bool, typer.Option("--unlisted", help="Take names that this release does not know, as of an image of your own.")
]
Gateway = Annotated[
    str | None,
    typer.Option(
        "--gateway",
        metavar="URL",
        envvar="VOICEAGENT_GATEWAY",
        help="The gateway's address; by default the way through the API server.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        envvar="VOICEAGENT_API_KEY",
        show_envvar=True,
        help="The API key, or better: the environment variable, which no list of processes shows.",
    ),
]
