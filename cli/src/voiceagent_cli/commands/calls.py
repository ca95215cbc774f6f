"""What the gateway knows: calls, metrics, and tokens for calls."""

from typing import Annotated, Any

import typer

from voiceagent_cli import options, screen
from voiceagent_cli.call_rows import metrics_answer, sessions_answer, token_answer
from voiceagent_cli.errors import CliError
from voiceagent_cli.running import run
from voiceagent_cli.tables import Answer, Format


def sessions(
    agent: Annotated[str | None, typer.Argument(metavar="[AGENT]", help="Only calls of this VoiceAgent.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that ended within the hour.")] = False,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", metavar="NAME", help="Only calls of this namespace.")
    ] = None,
    gateway: options.Gateway = None,
    key: options.Key = None,
    context: options.Context = None,
    output: options.Output = Format.TABLE,
) -> None:
    """List the calls that run now."""
    from voiceagent_cli.gateway import Place, ask

    found = run(ask(Place(gateway, key, context), "/metrics/sessions"))
    screen.answer(sessions_answer(found, agent, namespace, ended=ended), output)


def metrics(
    full: Annotated[bool, typer.Option("--full", help="All that the gateway has, with its history, as JSON.")] = False,
    gateway: options.Gateway = None,
    key: options.Key = None,
    context: options.Context = None,
    output: options.Output = Format.TABLE,
) -> None:
    """Show the numbers of the whole fleet."""
    from voiceagent_cli.gateway import Place, ask

    found = run(ask(Place(gateway, key, context), "/metrics" if full else "/metrics/simple"))
    if full:
        screen.answer(Answer(found, (), [], []), Format.JSON if output is Format.TABLE else output)
    else:
        screen.answer(metrics_answer(found), output)


def token(
    agent: Annotated[
        str | None, typer.Argument(metavar="[NAMESPACE/NAME]", help="The VoiceAgent; left out where there is one only.")
    ] = None,
    room: Annotated[str | None, typer.Option("--room", help="By default a name that nobody can guess.")] = None,
    identity: Annotated[str | None, typer.Option("--identity", help="By default one that nobody can guess.")] = None,
    namespace: options.Namespace = None,
    gateway: options.Gateway = None,
    key: options.Key = None,
    context: options.Context = None,
    output: options.Output = Format.TABLE,
) -> None:
    """Get a token for a call. With -o name the token alone."""
    from voiceagent_cli.gateway import Place, ask

    async def get() -> Any:
        whole = agent if not agent or "/" in agent else f"{namespace or await own_namespace(context)}/{agent}"
        wanted = {"agent": whole, "room": room, "identity": identity}
        query = {name: value for name, value in wanted.items() if value}
        return await ask(Place(gateway, key, context), "/token", query)

    screen.answer(token_answer(run(get())), output)


async def own_namespace(context: str | None) -> str:
    """That of the kubeconfig's context; whoever asks a gateway by its address may have none."""
    from voiceagent_cli.kube import access

    try:
        return (await access(context, None)).namespace
    except CliError:
        if context:
            raise
        return "default"
