"""Composes the operator: the only place that knows environment, signals and the real clock."""

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import aiohttp
import kopf
from aiohttp import web
from prometheus_client import CollectorRegistry
from voiceagent_api.install import InstallConfig, InstallError, load_install_config
from voiceagent_api.names import FIELD_MANAGER

from voiceagent_operator.apply import Applier
from voiceagent_operator.beginnings import Beginnings
from voiceagent_operator.callees import Callees
from voiceagent_operator.client import METADATA_LIST_ONLY, Client
from voiceagent_operator.connection import ConnectionMissing, load_configuration
from voiceagent_operator.dead_workers import DeadWorkers
from voiceagent_operator.death_watch import DeathWatch
from voiceagent_operator.election import Elector
from voiceagent_operator.errors import ApiError
from voiceagent_operator.events import EventRecorder
from voiceagent_operator.fence import always, fence
from voiceagent_operator.gauges import register_gauges
from voiceagent_operator.handlers import register_handlers
from voiceagent_operator.health import Health, health_app
from voiceagent_operator.informer import register_login
from voiceagent_operator.kinds import SECRET
from voiceagent_operator.livekit_access import LiveKitAccess
from voiceagent_operator.logs import about, set_up_logs
from voiceagent_operator.metrics import Metrics
from voiceagent_operator.new_days import NewDays
from voiceagent_operator.objects import Key
from voiceagent_operator.observe import Observer
from voiceagent_operator.pace import Pace
from voiceagent_operator.pod_control import PodControl
from voiceagent_operator.pod_reader import PodReader
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.reconcile import Reconciler
from voiceagent_operator.recoveries import Recoveries
from voiceagent_operator.room_reconciler import RoomReconciler
from voiceagent_operator.running import Operation
from voiceagent_operator.scaler import Scaler
from voiceagent_operator.settings import Settings, read_settings
from voiceagent_operator.sizing import Sizing
from voiceagent_operator.tables import Tables
from voiceagent_operator.taken import TakenNames
from voiceagent_operator.tracing import set_up_tracing
from voiceagent_operator.turns import Turns
from voiceagent_operator.watch_errors import WatchErrors
from voiceagent_operator.watching import Watch
from voiceagent_operator.workers import Workers

logger = logging.getLogger(__name__)

RECONCILE_SECONDS = 120.0
POD_READERS = 32
POD_SECONDS = 10.0
LIVEKIT_CONNECTIONS = 32
SERVER_SECONDS = 2.0
CALLS_WRITTEN_SECONDS = 10.0
"""The number of calls and their latency are written to a status at most so often."""
GARBAGE_THRESHOLDS = (50_000, 20, 50)
"""A page of a list is a hundred thousand new objects at once and no cycles; by default each would be searched for
them many times over, and all that is remembered with it."""
EXIT_FAILURE = 1
EXIT_MISTAKE = 2


class PortTaken(Exception):
    """The health port cannot be had; the message says why."""


def main() -> int:
    """Run the operator; returns the exit code."""
    settings = read_settings(sys.argv[1:], os.environ)
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
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

    take_signals()
    configuration = await load_configuration()
    span, flush_spans = set_up_tracing(os.environ, FIELD_MANAGER)
    metrics = Metrics(CollectorRegistry())
    partial = {} if settings.secret_values else {SECRET: METADATA_LIST_ONLY}
    lease_client = Client(configuration, metrics, span)  # never waits for a connection behind anything else
    elector = _elector(settings, lease_client, loop.time)
    may_write = (lambda: elector.holds) if elector else always
    client = Client(configuration, metrics, span, partial, may_write)
    http = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=POD_READERS), request_class=fence(may_write), trust_env=False
    )
    tables = Tables(install.livekit.url, loop.time, secret_values=settings.secret_values)
    queue = WorkQueue[Key](loop.time)
    pods, ready = WorkQueue[Key](loop.time), asyncio.Event()
    beginnings = Beginnings(settings.namespaces)
    watch_errors = WatchErrors(beginnings, lambda kind, code: metrics.watch_errors.labels(kind, str(code)).inc())
    livekit = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit_per_host=LIVEKIT_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=fence(may_write),
        trust_env=True,  # a LiveKit server may be outside the cluster, behind the environment's proxy
    )
    callees = Callees(install.livekit)
    access = LiveKitAccess(livekit, tables.secret, lambda where: client.find(SECRET, *where))
    recoveries = Recoveries(callees, access, metrics, loop.time, time.time)
    dead_workers = DeadWorkers(callees, access, recoveries.add, loop.time)
    deaths = DeathWatch(recoveries.add, dead_workers.add)
    rooms = RoomReconciler(callees, access, metrics, loop.time, time.time)
    reader = PodReader(http, tables.pod, queue.add, loop.time, _now, deaths)
    events = EventRecorder(client, loop.time, _now)
    taken = TakenNames(client.others, client.find, loop.time)
    observer, applier = Observer(client, tables, taken), Applier(client, tables)
    control = PodControl(client, http, pods.add)
    reconciler = Reconciler(
        install=install,
        observer=observer,
        applier=applier,
        turns=Turns(install.rollout.max_concurrent_agents, queue.add),
        readings=reader.readings,
        sizing=Sizing(Scaler(loop.time), observer, applier, control.tell, _now),
        events=events,
        calls_written=Pace(CALLS_WRITTEN_SECONDS, loop.time),
        clock=_now,
    )

    async def reconcile(key: Key) -> float | None:
        told = _of_agent(key)
        callees.note(key, tables.agent(key))
        with about(**told), span("reconcile", {"k8s.namespace.name": key.namespace, "voiceagent.name": key.name}):
            outcome = await reconciler.reconcile(key)
        metrics.reconciles.labels("hindered" if outcome.hindered else "done").inc()
        return outcome.look_again_seconds

    async def before_work() -> None:
        reconciler.take_up_turns()
        await reader.read_all(tables.pod_places())

    def note(result: str, seconds: float) -> None:
        if result != "done":  # those are counted above, where it is known how they ended
            metrics.reconciles.labels(result).inc()
        metrics.reconcile_seconds.observe(seconds)

    days = NewDays(tables.agents, tables.agent, queue.add, _now)
    workers = Workers(
        queue,
        reconcile,
        count=settings.workers,
        deadline_seconds=RECONCILE_SECONDS,
        clock=loop.time,
        note=note,
        told=_of_agent,
    )
    readers = Workers(pods, reader.read, count=POD_READERS, deadline_seconds=POD_SECONDS, clock=loop.time)
    registry = kopf.OperatorRegistry()
    register_login(registry, configuration, beginnings, watch_errors, secret_values=settings.secret_values)
    register_handlers(registry, tables, queue, pods)

    def leading() -> bool:
        return elector.leading if elector else ready.is_set()

    register_gauges(metrics, queue, tables, leading)
    health = Health(
        queue, workers, tables, ready.is_set, leading, watch_errors.missing, loop.time, lambda: _answers(client)
    )
    server = web.AppRunner(health_app(health, metrics.registry), access_log=None, shutdown_timeout=1.0)
    operation = Operation(
        client=client,
        tables=tables,
        queue=queue,
        work=(workers.run, readers.run, events.run, recoveries.run, dead_workers.run, rooms.run, days.run),
        watch=Watch(registry, settings.namespaces, take_signals, before_end=server.cleanup),
        ready=ready,
        namespaces=settings.namespaces,
        resync_seconds=settings.resync_seconds,
        before_work=before_work,
        ask=pods.add,
        beginnings=beginnings,
        not_watched=watch_errors.missing,
        elector=elector,
    )
    try:
        await server.setup()
        await _listen(server, settings)
        await operation.run(stop)
    finally:
        await server.cleanup()
        await http.close()
        await livekit.close()
        await client.close()
        await lease_client.close()
        await asyncio.to_thread(flush_spans)


def _of_agent(key: Key) -> dict[str, str]:
    return {"namespace": key.namespace, "voiceagent": key.name}


def _now() -> datetime:
    return datetime.now(UTC)


def _elector(settings: Settings, client: Client, clock: Callable[[], float]) -> Elector | None:
    if settings.lease_namespace is None:
        return None
    return Elector(client, Key(settings.lease_namespace, FIELD_MANAGER), settings.identity, clock, _now)


async def _answers(client: Client) -> bool:
    """Whether the API server is there; while it is not, nothing that waits for it is this process's fault."""
    try:
        async with asyncio.timeout(SERVER_SECONDS):
            await client.get("/version")
    except (ApiError, TimeoutError):
        return False
    return True


async def _listen(server: web.AppRunner, settings: Settings) -> None:
    site = web.TCPSite(server, settings.health_host, settings.health_port)
    try:
        await site.start()
    except OSError as error:
        address = f"{settings.health_host}:{settings.health_port}"
        raise PortTaken(
            f"Cannot listen on {address} for health checks: {error.strerror}. See --health-port."
        ) from error
