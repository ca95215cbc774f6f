"""`python -m voiceagent_speech`: run the server until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import importlib.metadata
import logging
import os
import signal
import sys
from collections.abc import Mapping

from aiohttp import web

from . import logs
from .app import LOADED, create_app, with_models
from .context import make_context
from .settings import Settings, SettingsError

_SHUTDOWN_SECONDS = 2.0
_log = logging.getLogger("voiceagent_speech")


def main() -> None:
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.exit(str(error))
    parser = argparse.ArgumentParser(prog="voiceagent_speech", description=__doc__)
    parser.add_argument("--version", action="version", version=_version_line(os.environ))
    parser.add_argument("--host", default=settings.host)
    parser.add_argument("--port", type=int, default=settings.port)
    arguments = parser.parse_args()
    settings = dataclasses.replace(settings, host=arguments.host, port=arguments.port)
    logs.configure(settings.log_level)
    code = asyncio.run(_serve(settings))
    logging.shutdown()
    # The models' native threads cannot be interrupted, and the interpreter would wait for them: all that is
    # ours has been closed by now.
    os._exit(code)


def _version_line(environment: Mapping[str, str]) -> str:
    """As the product's programs say it. This one shares no code with them: its image is not made anew with theirs."""
    release = importlib.metadata.version("voiceagent-speech")
    return f"voiceagent-speech {release} (commit {environment.get('VOICEAGENT_COMMIT') or 'unknown'})"


async def _serve(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = with_models(create_app(make_context(settings)))
    # A client that leaves cancels its handler, so that no model works for nobody.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        _log.info("listening", extra={"addresses": [str(address) for address in runner.addresses]})
        return await _until_stopped(stop, app[LOADED])
    except OSError as error:
        _log.error("cannot listen", extra={"host": settings.host, "port": settings.port, "error": str(error)})
        return 1
    finally:
        await runner.cleanup()


async def _until_stopped(stop: asyncio.Event, loaded: asyncio.Task[None]) -> int:
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({stopped, loaded}, return_when=asyncio.FIRST_COMPLETED)
    if not stopped.done() and (error := loaded.exception()) is not None:
        stopped.cancel()
        _log.error("a model could not be loaded", extra={"error": f"{type(error).__name__}: {error}"})
        return 1
    await stopped
    _log.info("stopping")
    return 0


if __name__ == "__main__":
    main()
