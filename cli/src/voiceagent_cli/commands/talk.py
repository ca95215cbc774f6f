"""A call with a running agent, from the terminal."""

import asyncio
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from voiceagent_cli import options, screen
from voiceagent_cli.commands.calls import own_namespace
from voiceagent_cli.errors import CliError, Exit, NotYetError, usage
from voiceagent_cli.running import run

if TYPE_CHECKING:
    from voiceagent_cli.gateway import Place
    from voiceagent_cli.talking.line import Ticket

PATIENCE_SECONDS: Final = 20.0
PAUSE_SECONDS: Final = 3.0
"""Before an agent that has no place yet is asked for again."""
NO_LIVEKIT: Final = (
    "To talk, the command line needs the package livekit, which is not installed: pip install livekit, or in a "
    "checkout pip install './cli[talk]'."
)


def talk(
    agent: Annotated[
        str | None, typer.Argument(metavar="[AGENT]", help="NAME or NAMESPACE/NAME; left out where there is one only.")
    ] = None,
    wav: Annotated[
        Path | None, typer.Option("--wav", metavar="FILE", help="Play this 16-bit recording, and wait for the answer.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="With --wav: keep the answer in this wav file.")
    ] = None,
    microphone: Annotated[
        bool, typer.Option("--microphone", help="Talk by this machine's microphone and speaker.")
    ] = False,
    room: Annotated[str | None, typer.Option("--room", help="By default a name that nobody can guess.")] = None,
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=1, help="For how long the agent may take to come.")
    ] = PATIENCE_SECONDS,
    namespace: options.Namespace = None,
    gateway: options.Gateway = None,
    key: options.Key = None,
    context: options.Context = None,
) -> None:
    """Talk to a running agent, in its real room: in writing, or by a recording or the microphone.

    What is typed is sent line by line; the end of the input (Ctrl-D) or Ctrl-C hangs up.
    """
    if microphone and wav is not None:
        raise usage("--microphone and --wav are two ways to speak: give one of them.")
    if save is not None and wav is None:
        raise usage("--save keeps the answer to a recording: give one by --wav FILE.")
    if save is not None and not save.absolute().parent.is_dir():
        raise CliError(f"There is no folder {save.parent} for {save.name}.", Exit.NOT_FOUND)
    try:
        from voiceagent_cli.talking.call import Wish
        from voiceagent_cli.talking.call import talk as hold
    except ImportError as error:
        if not (error.name or "").startswith("livekit"):
            raise
        raise CliError(NO_LIVEKIT, Exit.NOT_FOUND) from None
    # each call of the library comes with an exception or an answer; what it logs of both is noise
    logging.getLogger("livekit").setLevel(logging.CRITICAL + 1)
    from voiceagent_cli.gateway import Place
    from voiceagent_cli.talking.recordings import read_recording

    recording = read_recording(wav) if wav is not None else None
    wish = Wish(recording, save, microphone, wait)
    place = Place(gateway, key, context)

    async def call() -> None:
        whole = agent and (agent if "/" in agent else f"{namespace or await own_namespace(context)}/{agent}")
        query = {name: value for name, value in (("agent", whole), ("room", room)) if value}
        await hold(wish, whole or "", lambda: _ticket(place, query, wait))

    run(call())


async def _ticket(place: "Place", query: dict[str, str], patience_seconds: float) -> "Ticket":
    """The right to call; asked for again while an agent wakes up. Raises CliError."""
    from voiceagent_cli.gateway import ask
    from voiceagent_cli.talking.line import Ticket

    end, told = time.monotonic() + patience_seconds, ""
    while True:
        try:
            answer: Any = await ask(place, "/token", query)
            break
        except NotYetError as error:
            if time.monotonic() + PAUSE_SECONDS > end:
                raise
            if str(error) != told:
                told = str(error)
                screen.say(f"({told} Asking again.)")
            await asyncio.sleep(PAUSE_SECONDS)
    try:
        return Ticket(url=answer["url"], room=answer["room"], token=answer["token"])
    except (LookupError, TypeError):
        raise CliError(
            "What answers in place of the gateway gives no token; is that its address?", Exit.UNREACHABLE
        ) from None
