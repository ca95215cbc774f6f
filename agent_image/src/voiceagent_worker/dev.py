"""`voiceagent-worker dev agent.yaml`: try the agent of a manifest on this machine, with no cluster.

In writing in the terminal, with its language model, plugins and tool servers and no LiveKit; aloud by `--microphone`,
with all its models; or in a browser by `--browser`, as a whole worker before a livekit-server. A saved manifest
counts from the next message, turn or call on.
"""

import argparse
import asyncio
import io
import logging
import signal
import sys
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from livekit.agents.utils import http_context

from voiceagent_worker import logs
from voiceagent_worker.dev_talk import Person, Talk
from voiceagent_worker.errors import WorkerError
from voiceagent_worker.logs import Redactor
from voiceagent_worker.manifest import load_manifest

PERSON: Final = "terminal"
"""Who the plugins take the person at the terminal for, unless told another."""
PAGE_PORT: Final = 8090
CALL_PAGE: Final = Path("client/dist")
"""Where a checkout has the call page once it is built."""


def dev(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Talk until the input ends; the process's exit code."""
    given = _parser().parse_args(arguments)
    redactor = Redactor()
    try:
        if given.browser:
            from voiceagent_worker.dev_room import serve

            return serve(given.manifest, environment, redactor, given.livekit_url, given.port, given.page)
        logs.MainLogs("WARNING", "text", redactor)
        # they log a traceback for what the terminal is told in a sentence
        for name in ("asyncio", "livekit.agents", "voiceagent_worker.mcp_tools"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        person = Person(given.caller, redactor, print)
        asyncio.run(_dev(given.manifest, environment, person, aloud=given.microphone))
    except WorkerError as error:
        print(error, file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass
    return 0


async def converse(manifest: Path, environment: Mapping[str, str], person: Person, lines: AsyncIterator[str]) -> None:
    """Answer each line. Raises WorkerError where the agent cannot be made from the start."""
    config = await asyncio.to_thread(load_manifest, manifest, environment)
    talk = await Talk.open(config, person)
    try:
        async for line in lines:
            try:
                newer = await asyncio.to_thread(load_manifest, manifest, environment)
                if newer != config:
                    fresh = await Talk.open(newer, person, talk.history)
                    await talk.close()
                    config, talk = newer, fresh
                    person.show("(the manifest changed)")
            except WorkerError as error:
                person.show(f"({error} The agent stays as it was.)")
            await talk.answer(line)
    finally:
        await talk.close()


async def _dev(manifest: Path, environment: Mapping[str, str], person: Person, *, aloud: bool) -> None:
    task = asyncio.current_task()
    if task is not None:
        # being told to stop ends it as being interrupted does
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with http_context.open():
        if aloud:
            # only here: sound is a library of the machine's own, which many have not
            from voiceagent_worker.dev_sound import converse_aloud

            await converse_aloud(manifest, environment, person)
        else:
            await converse(manifest, environment, person, _typed_lines())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="voiceagent-worker dev", description="Talk to the agent of a manifest, in writing in the terminal."
    )
    parser.add_argument("manifest", type=Path, help="a VoiceAgent, as for kubectl apply")
    parser.add_argument("--caller", default=PERSON, help="who you are to the agent's plugins (default: %(default)s)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--microphone", action="store_true", help="talk aloud, by this machine's microphone and speaker")
    how.add_argument("--browser", action="store_true", help="serve calls of a livekit-server, and tokens for them")
    parser.add_argument(
        "--livekit-url",
        metavar="URL",
        help="with --browser: the livekit-server (default: $LIVEKIT_URL)",
    )
    parser.add_argument(
        "--port", type=int, default=PAGE_PORT, help="with --browser: where this machine's browser finds it"
    )
    parser.add_argument(
        "--page", type=Path, default=CALL_PAGE, metavar="FOLDER", help="with --browser: the built call page"
    )
    return parser


async def _typed_lines() -> AsyncIterator[str]:
    """What is typed, until the input ends. A thread of its own, which does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)

    def read() -> None:
        with suppress(RuntimeError):  # the loop is closed
            for line in sys.stdin:
                asyncio.run_coroutine_threadsafe(queue.put(line.strip()), loop).result()
            asyncio.run_coroutine_threadsafe(queue.put(None), loop).result()

    if isinstance(sys.stdin, io.TextIOWrapper):
        # what is no text in this locale becomes a mark; an error in the thread would leave the talk waiting
        sys.stdin.reconfigure(errors="replace")
    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        if line:
            yield line
