"""A third party's own metrics: a package with a plugin, real calls, one that dies, and what Prometheus then reads."""

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from local_livekit import LiveKit
from person import Caller
from prometheus_client.parser import text_string_to_metric_families
from provider_wire import SAID, provider_wire
from worker_process import RunningWorker, call_processes, ended, metric, until, until_ready

StartWorker = Callable[..., RunningWorker]
PACKAGE = """
from prometheus_client import Counter, Gauge, Histogram
from voiceagent_worker.own_metrics import REGISTRY

LOOKUPS = Counter("acme_lookups", "Lookups at Acme.", ["desk"], registry=REGISTRY)
OPEN = Gauge("acme_open_tickets", "Tickets that are open now.", registry=REGISTRY)
SECONDS = Histogram("acme_lookup_seconds", "Time of a lookup.", buckets=(0.1, 1), registry=REGISTRY)


class Desk:
    async def process_message(self, message, context):
        if context["direction"] == "user":
            LOOKUPS.labels("front").inc()
            OPEN.inc()
            SECONDS.observe(0.5)
        return message

    def get_name(self):
        return "desk"

    def is_enabled(self):
        return True
"""


def install(folder: Path) -> Path:
    """A package as pip would install it."""
    about = folder / "acme-1.0.dist-info"
    about.mkdir()
    (folder / "acme_desk.py").write_text(PACKAGE)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[voiceagent.plugins]\ndesk = acme_desk:Desk\n")
    return folder


async def names(worker: RunningWorker) -> set[str]:
    families = text_string_to_metric_families((await worker.get("/metrics"))[1])
    return {sample.name for family in families for sample in family.samples}


def becomes(worker: RunningWorker, value: float, series: str, /, **labels: str) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        return series in await names(worker) and await metric(worker, series, **labels) == value

    return is_so


async def test_a_plugins_own_metrics_are_those_of_the_pod_and_a_dead_calls_gauge_goes_with_it(
    livekit: LiveKit, start_worker: StartWorker, tmp_path: Path
) -> None:
    async with provider_wire() as wire:
        worker = start_worker(
            livekit,
            provider_url=f"{wire.url}/v1",
            plugins=[{"name": "desk"}],
            environment={"PYTHONPATH": str(install(tmp_path))},
        )
        await until_ready(worker)

        async def idle() -> set[int]:
            return call_processes(worker)

        process = next(iter(await until(idle, 60.0, "an idle process")))
        async with Caller(livekit, worker) as first:
            await first.listening_agent()
            await first.type("Is my ticket open?")
            await first.hears(SAID)
            await until(becomes(worker, 1, "acme_open_tickets"), 60.0, "a gauge")
            assert await metric(worker, "acme_lookups_total", desk="front") == 1
            async with Caller(livekit, worker) as second:
                await second.listening_agent()
                await second.type("And mine?")
                await second.hears(SAID)
                await until(becomes(worker, 2, "acme_open_tickets"), 60.0, "the sum of two calls")
                os.kill(process, signal.SIGKILL)
                await until(becomes(worker, 1, "acme_open_tickets"), 60.0, "the sum without the dead call")
                await until(becomes(worker, 2, "acme_lookup_seconds_count"), 60.0, "what the dead call counted")
                assert await metric(worker, "acme_lookup_seconds_bucket", le="0.1") == 0
                assert await metric(worker, "acme_lookup_seconds_bucket", le="1.0") == 2
                assert await metric(worker, "acme_lookup_seconds_sum") == 1.0
        for caller in (first, second):
            await ended(worker, caller.name, 60.0)

        async def gone() -> bool:
            return "acme_open_tickets" not in await names(worker)

        await until(gone, 60.0, "no gauge without a call")
        assert await metric(worker, "acme_lookups_total", desk="front") == 2
        assert "Traceback" not in worker.log
