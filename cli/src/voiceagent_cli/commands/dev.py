"""An agent on this machine, by the worker's package: a process of its own, which the command line does not import."""

import importlib.util
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from voiceagent_cli.errors import CliError, Exit, usage

WORKER: Final = "voiceagent-worker"
PACKAGE: Final = "voiceagent_worker"
NO_WORKER: Final = (
    "To run an agent on this machine, the worker's package voiceagent-worker is needed beside the command line: in a "
    "checkout, pip install ./crds ./agent_image."
)
WRONG_MANIFEST: Final = 2
"""What the worker ends with where the manifest, a key or the machine's sound cannot be used."""
END_SECONDS: Final = 60.0
"""For the worker to say goodbye to its calls once it is interrupted."""


def dev(
    manifest: Annotated[Path, typer.Argument(metavar="FILE", help="A VoiceAgent, as for kubectl apply.")],
    microphone: Annotated[
        bool, typer.Option("--microphone", help="Talk aloud, by this machine's microphone and speaker.")
    ] = False,
    browser: Annotated[
        bool, typer.Option("--browser", help="Run the whole worker before a livekit-server, and call from a browser.")
    ] = False,
    livekit_url: Annotated[
        str | None,
        typer.Option(
            "--livekit-url",
            metavar="URL",
            help="With --browser: the livekit-server; by default LIVEKIT_URL, then the manifest's, else "
            "ws://localhost:7880. Its key is in LIVEKIT_API_KEY and LIVEKIT_API_SECRET.",
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="With --browser: where the page is; 8090 by default.")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="FOLDER", help="With --browser: the built call page; by default client/dist."),
    ] = None,
    caller: Annotated[
        str | None, typer.Option("--caller", metavar="NAME", help="Who you are to the agent's plugins.")
    ] = None,
) -> None:
    """Run the agent of a manifest on this machine, with no cluster: in writing, aloud, or in a browser.

    Keys come from the environment, as in OPENAI_API_KEY. What is saved counts from the next message or call on.
    """
    if microphone and browser:
        raise usage("--microphone and --browser are two ways to talk: give one of them.")
    if not browser and (livekit_url or port or page):
        raise usage("--livekit-url, --port and --page are for calls from a browser: add --browser.")
    if not manifest.is_file():
        raise CliError(f"There is no file {manifest}.", Exit.NOT_FOUND)
    values = {"--livekit-url": livekit_url, "--port": port, "--page": page, "--caller": caller}
    words = [f"{name}={value}" for name, value in values.items() if value is not None]
    words += [name for name, chosen in (("--microphone", microphone), ("--browser", browser)) if chosen]
    _end(_run([*_worker(), "dev", str(manifest), *words]))


def _worker() -> list[str]:
    """How to start the worker: of this Python, else the program of that name. Raises CliError."""
    if importlib.util.find_spec(PACKAGE) is not None:
        return [sys.executable, "-m", PACKAGE]
    if (program := shutil.which(WORKER)) is not None:
        return [program]
    raise CliError(NO_WORKER, Exit.NOT_FOUND)


def _run(command: list[str]) -> int:
    """The worker's exit code. A Ctrl-C reaches the worker too, which ends by itself."""
    process = subprocess.Popen(command)  # noqa: S603 (the worker of this installation)
    asked = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        return process.wait()
    except KeyboardInterrupt:
        try:
            return process.wait(END_SECONDS)
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            process.kill()
            return process.wait()
    finally:
        signal.signal(signal.SIGTERM, asked)


def _end(code: int) -> None:
    # what was wrong has been said by the worker
    if code != 0:
        raise typer.Exit(int(Exit.INVALID) if code == WRONG_MANIFEST else int(Exit.NO))
