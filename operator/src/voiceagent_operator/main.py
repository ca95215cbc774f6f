"""Composes the operator: the only place that knows environment, signals and the real clock."""

import asyncio
import logging
import os
import signal
import sys
from datetime import UTC, datetime

import aiohttp
import kopf
from aiohttp import web
from voiceagent_api.install import InstallConfig, InstallError, load_install_config
from voiceagent_api.names import FIELD_MANAGER

from voiceagent_operator.apply import Applier
from voiceagent_operator.client import Client, ConnectionMissing, load_configuration
from voiceagent_operator.events import EventRecorder
from voiceagent_operator.handlers import register_handlers
from voiceagent_operator.health import Health, health_app
from voiceagent_operator.logs import set_up_logs
from voiceagent_operator.objects import Key
from voiceagent_operator.observe import Observer
from voiceagent_operator.pace import Pace
from voiceagent_operator.pod_reader import PodReader
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.reconcile import Reconciler
from voiceagent_operator.running import Operation
from voiceagent_operator.settings import Settings, read_settings
from voiceagent_operator.tables import Tables
from voiceagent_operator.turns import Turns
from voiceagent_operator.watching import Watch, register_login
from voiceagent_operator.workers import Workers

logger = logging.getLogger(__name__)

RECONCILE_SECONDS = 120.0
POD_READERS = 32
POD_SECONDS = 10.0
CALLS_WRITTEN_SECONDS = 10.0
"""The number of calls and their latency are written to a status at most so often."""
EXIT_FAILURE = 1
EXIT_MISTAKE = 2


class PortTaken(Exception):
    """The health port cannot be had; the message says why."""


def main() -> int:
    """Run the operator; returns the exit code."""
    settings = read_settings(sys.argv[1:], os.environ)
    os.environ.setdefault("POD_ID", FIELD_MANAGER)  # kopf else asks for the user's name, which a container may lack
    set_up_logs(settings.log_level)
    try:
        install = load_install_config(settings.config) if settings.config else InstallConfig()
        asyncio.run(run(settings, install))
    except (InstallError, ConnectionMissing, PortTaken) as mistake:
        print(mistake, file=sys.stderr)
        return EXIT_MISTAKE
    except Exception:
        logger.exception("the operator cannot go on")
        return EXIT_FAILURE
    return 0


async def run(settings: Settings, install: InstallConfig) -> None:
    """Serve until a signal asks to end."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def take_signals() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)

    def now() -> datetime:
        return datetime.now(UTC)

    take_signals()
    configuration = await load_configuration()
    client, tables = Client(configuration), Tables(install.livekit.url)
    queue: WorkQueue[Key] = WorkQueue(loop.time)
    turns = Turns(install.rollout.max_concurrent_agents, queue.add)
    observer, applier = Observer(client, tables), Applier(client, tables)
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=POD_READERS), trust_env=False)
    pods: WorkQueue[Key] = WorkQueue(loop.time)
    reader = PodReader(http, tables.pod, queue.add, loop.time, now)
    events = EventRecorder(client, loop.time, now)
    calls_written: Pace[Key] = Pace(CALLS_WRITTEN_SECONDS, loop.time)
    reconciler = Reconciler(install, observer, applier, turns, reader.readings, events, calls_written, now)
    workers = Workers(
        queue, reconciler.reconcile, count=settings.workers, deadline_seconds=RECONCILE_SECONDS, clock=loop.time
    )
    readers = Workers(pods, reader.read, count=POD_READERS, deadline_seconds=POD_SECONDS, clock=loop.time)
    registry = kopf.OperatorRegistry()
    register_login(registry, configuration)
    register_handlers(registry, tables, queue, pods)
    ready = asyncio.Event()
    health = Health(client, queue, workers, ready.is_set)
    server = web.AppRunner(health_app(health), access_log=None, shutdown_timeout=1.0)
    watch = Watch(registry, settings.namespaces, take_signals, before_end=server.cleanup)
    background = (workers.run, readers.run, events.run)
    operation = Operation(
        client,
        tables,
        queue,
        background,
        watch,
        ready,
        settings.namespaces,
        reconciler.take_up_turns,
        settings.resync_seconds,
    )
    try:
        await server.setup()
        await _listen(server, settings)
        await operation.run(stop)
    finally:
        await server.cleanup()
        await http.close()
        await client.close()


async def _listen(server: web.AppRunner, settings: Settings) -> None:
    site = web.TCPSite(server, settings.health_host, settings.health_port)
    try:
        await site.start()
    except OSError as error:
        address = f"{settings.health_host}:{settings.health_port}"
        raise PortTaken(
            f"Cannot listen on {address} for health checks: {error.strerror}. See --health-port."
        ) from error
