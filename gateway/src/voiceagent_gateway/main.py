"""The process: settings in, parts made, served until it is told to stop."""

import asyncio
import gc
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiohttp
import uvicorn
import uvloop

from voiceagent_gateway.app import create_app
from voiceagent_gateway.authority import Authority
from voiceagent_gateway.client_files import ClientFiles
from voiceagent_gateway.collect import CONCURRENT_READS, FleetCollector, StatusClient
from voiceagent_gateway.credentials import SecretCredentials
from voiceagent_gateway.database import DatabaseError, open_database
from voiceagent_gateway.demand import Demand, StatusDemand, Total, only_here
from voiceagent_gateway.deps import Deps, HistoryReader
from voiceagent_gateway.discovery import Discovery
from voiceagent_gateway.door import Door, Limits
from voiceagent_gateway.fresh import FreshReadings
from voiceagent_gateway.gate import Gate, limits_of
from voiceagent_gateway.history.prometheus import PrometheusStore
from voiceagent_gateway.history.prune import retention
from voiceagent_gateway.history.recorder import Recorder
from voiceagent_gateway.kube import KubeConfigError, connect
from voiceagent_gateway.livekit_rooms import LiveKitRooms
from voiceagent_gateway.logs import configure
from voiceagent_gateway.make_key import MAKE_KEY, make_key
from voiceagent_gateway.prometheus_text import GatewayCounters
from voiceagent_gateway.rate_limits import Buckets, MemoryBuckets
from voiceagent_gateway.redis_connection import redis_client
from voiceagent_gateway.redis_rate_limits import SharedBuckets
from voiceagent_gateway.redis_reservations import RedisReservations, SharedReservations
from voiceagent_gateway.redis_waiting import RedisWaiting
from voiceagent_gateway.reservations import MemoryReservations, Reservations
from voiceagent_gateway.settings import Settings, UserError, parse_settings
from voiceagent_gateway.tables import SCHEMA, STEPS
from voiceagent_gateway.transcripts.erased_file import ErasedFile
from voiceagent_gateway.transcripts.erasing import Erasing
from voiceagent_gateway.transcripts.keeper import TranscriptKeeper
from voiceagent_gateway.transcripts.kept import Transcripts
from voiceagent_gateway.transcripts.live import LiveTranscripts, let_go
from voiceagent_gateway.transcripts.pods import ControlTokens, PodTranscripts
from voiceagent_gateway.transcripts.store import ERASED_KEPT
from voiceagent_gateway.usage.families import UsageFamilies
from voiceagent_gateway.usage.keeper import UsageKeeper
from voiceagent_gateway.usage.told import StatusUsage, UsageTeller

EXIT_USER_ERROR: Final = 2
SHUTDOWN_SECONDS: Final = 16
"""Longer than a request may wait for a place, and with what follows shorter than a pod's grace period."""
ID_BYTES: Final = 16
TRANSCRIPTS_PART: Final = 4
"""One of so many parts of the database's bound is what transcripts may take."""
GC_THRESHOLD: Final = (50_000, 50, 100)
"""Far above Python's own: the statuses of many pods are many objects that live for some seconds and form no cycles."""
log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the gateway, or make a key for one. Returns the process's exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == [MAKE_KEY]:
        return make_key(arguments[1:])
    try:
        settings = parse_settings(arguments, os.environ)
        configure(settings.log_level)
        uvloop.run(run(settings))
    except (UserError, KubeConfigError, DatabaseError) as error:
        print(f"voiceagent-gateway: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    return 0


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    listener = _listen(settings.host, settings.port)
    _say_how(settings, listener)
    async with parts(settings) as deps:
        config = uvicorn.Config(
            create_app(settings, deps),
            log_config=None,
            access_log=False,
            server_header=False,
            # Who is believed about a caller's address is the install's to say.
            proxy_headers=False,
            lifespan="off",
            http="httptools",
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        server = uvicorn.Server(config)
        # What is there by now stays to the end: nobody need look through it again and again for what is not used.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLD)

        def stop() -> None:
            # A stream of events would otherwise be waited for.
            deps.stopping.set()
            server.should_exit = True

        # uvicorn raises a signal again once it has stopped; with a handler of ours in place that ends nothing,
        # and what was opened is closed in order.
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        await server.serve(sockets=[listener])


@asynccontextmanager
async def parts(settings: Settings) -> AsyncIterator[Deps]:
    """What the application is made of; its background tasks run until the end of the block."""
    async with (
        connect() as kube,
        _shared(settings) as shared,
        open_database(settings.data_dir, SCHEMA, settings.data_max_bytes, STEPS) as database,
        # Worker pods are reached directly, whatever proxy the environment names.
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONCURRENT_READS), cookie_jar=aiohttp.DummyCookieJar()
        ) as pods,
        # A LiveKit server or a metrics store may be outside the cluster, behind the environment's proxy.
        aiohttp.ClientSession(trust_env=True, cookie_jar=aiohttp.DummyCookieJar()) as outside,
        asyncio.TaskGroup() as group,
    ):
        discovery = Discovery(kube, settings.namespaces)
        fetch = StatusClient(pods).fetch
        history: HistoryReader
        if settings.prometheus_url:
            history = PrometheusStore(
                outside, settings.prometheus_url, lambda: len(discovery.agents()), settings.prometheus_token
            )
            collector = FleetCollector(discovery.pods, fetch, _now, ending=discovery.ending)
            await let_go(database)
        else:
            history = recorder = Recorder(
                database,
                lambda: retention(settings.retention_hours, discovery.agents()),
                _now,
                listed=lambda: not discovery.waiting_for(),
            )
            collector = FleetCollector(discovery.pods, fetch, _now, recorder.record, discovery.ending)
            collector.remember(await recorder.restore())
        readings = FreshReadings(fetch, _now)
        said = PodTranscripts(pods, ControlTokens(kube))
        kept: TranscriptKeeper | None = None
        if not settings.prometheus_url:

            def listed() -> bool:
                return not discovery.waiting_for()

            erased = ErasedFile(settings.data_dir, ERASED_KEPT) if settings.data_dir else None
            kept = TranscriptKeeper(
                discovery.agents,
                lambda: collector.known,
                listed,
                said,
                database,
                Erasing(database, erased, discovery.pods, listed, said, _now),
                settings.data_max_bytes // TRANSCRIPTS_PART,
                _now,
                discovery.unreadable,
                collector.ending,
            )
        spoken: Transcripts = kept or LiveTranscripts(discovery.agents, lambda: collector.known, said)
        gateway = settings.install.gateway
        keeper = UsageKeeper(lambda: collector.known, lambda: collector.past, database, settings.install.prices, _now)
        teller = UsageTeller(discovery.agents, keeper, StatusUsage(kube).write, _now)
        counters = GatewayCounters()
        counters.registry.register(UsageFamilies(keeper))
        known = Authority(settings, kube, outside, _now)
        door = Door(
            discovery,
            readings,
            shared.reservations,
            Demand(StatusDemand(kube).write, _now, shared.waiting),
            Limits(gateway.token_ttl_seconds, gateway.wait_seconds, gateway.max_waiting),
            past=lambda: collector.past,
            beyond_budget=keeper.refusal,
        )
        tasks = [group.create_task(it.run()) for it in (discovery, collector, known, keeper, teller)]
        if kept is not None:
            tasks.append(group.create_task(kept.run()))
        yield Deps(
            directory=discovery,
            credentials=SecretCredentials(kube),
            rooms=LiveKitRooms(outside),
            fleet=collector,
            door=door,
            history=history,
            clock=_now,
            new_id=lambda: os.urandom(ID_BYTES).hex(),
            gate=Gate(known.callers, limits_of(gateway.rate_limits, shared.buckets, counters.rate_limited)),
            waiting_for_keys=known.waiting_for,
            counters=counters,
            usage=keeper,
            transcripts=spoken,
        )
        await door.close()
        readings.close()
        known.close()
        for task in tasks:
            task.cancel()


@dataclass(frozen=True, slots=True)
class _Shared:
    """What gateways of many replicas keep in common, by Redis where there is one."""

    reservations: Reservations
    waiting: Total
    buckets: Buckets


@asynccontextmanager
async def _shared(settings: Settings) -> AsyncIterator[_Shared]:
    own = MemoryReservations(_now)
    if not settings.install.redis.url:
        yield _Shared(own, only_here, MemoryBuckets())
        return
    async with redis_client(settings.install.redis.url, settings.redis_password) as client:
        waiting = RedisWaiting(client, secrets.token_hex(ID_BYTES))
        reservations = SharedReservations(RedisReservations(client), own)
        yield _Shared(reservations, waiting.total, SharedBuckets(client, MemoryBuckets()))


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise UserError(f"The gateway cannot listen on {host} port {port}: {error.strerror}.") from error
    listener.setblocking(False)
    return listener


def _say_how(settings: Settings, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    log.info("serving", extra={"host": host, "port": port, "namespaces": list(settings.namespaces) or "all"})
    if settings.install.gateway.auth.mode == "none":
        log.warning(
            "auth is none: whoever reaches this gateway may call every voice agent, and read all metrics and "
            "transcripts (the install's gateway.auth.mode)"
        )
    if settings.data_dir is None and not settings.prometheus_url:
        log.warning("the history is kept in memory and ends with this process (--data-dir keeps it in a folder)")
    if missing := ClientFiles(settings.client_dir).missing:
        log.warning(missing)


def _now() -> datetime:
    return datetime.now(UTC)
