"""What reading and merging the metrics of 1,000 worker pods costs the gateway."""

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from figures import Figure
from gateway_speed.stage import Server, Stage, StageFailed, Workers, known
from gateway_speed.workers import ACTIVE, ENDED
from operator_speed.stage import cpu_seconds, memory_megabytes
from voiceagent_gateway.collect import BACKGROUND_SECONDS, SHARED_SECONDS

PODS = 1000
CAPACITY = 10
ROUNDS = 5
ANSWER_SECONDS = 1.0
CORES = 0.2
WAIT_SECONDS = 0.05
PAUSE_SECONDS = 0.01


def figures(stage: Stage) -> list[Figure]:
    """Seconds until a reader has the fleet as of now, and CPU of a round in the background."""
    with stage.workers(PODS, CAPACITY) as workers, stage.gateway() as gateway:
        known(gateway, PODS)
        stale = 0
        seconds = []
        for _ in range(ROUNDS):
            seconds.append(_seconds(gateway, "/metrics/simple"))
            stale = max(stale, json.loads(gateway.get("/metrics/simple"))["stale_pods"])
        with _others(gateway) as waits:
            whole = [_seconds(gateway, "/metrics") for _ in range(ROUNDS)]
        cores = _cores(gateway, workers)
        _check(gateway)
        memory = memory_megabytes(gateway.process.pid)[1]
    sessions = PODS * (ACTIVE + ENDED)
    return [
        Figure(f"merging: {PODS} pods with {sessions} calls read and merged, median", statistics.median(seconds), "s"),
        Figure("merging: slowest", max(seconds), "s", ANSWER_SECONDS),
        Figure("merging: pods that were too slow for a round, at most", stale, "", 0),
        Figure("merging: the same with every call and turn as JSON, median", statistics.median(whole), "s"),
        Figure("merging: another request waits meanwhile, median", statistics.median(waits), "s", WAIT_SECONDS),
        Figure("merging: slowest of those", max(waits), "s"),
        Figure(f"merging: of a core, every {BACKGROUND_SECONDS:g} s", cores, "", CORES),
        Figure("merging: resident memory at its highest", memory, "MB"),
    ]


def _seconds(gateway: Server, path: str) -> float:
    """For an answer that none before can serve for."""
    time.sleep(SHARED_SECONDS * 2)
    began = time.perf_counter()
    gateway.get(path)
    return time.perf_counter() - began


@contextmanager
def _others(gateway: Server) -> Iterator[list[float]]:
    """Seconds that small requests take which come one after the other during the block."""
    waits: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(PAUSE_SECONDS):
            began = time.perf_counter()
            gateway.get("/healthz")
            waits.append(time.perf_counter() - began)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        yield waits
    finally:
        over.set()
        asker.join()


def _cores(gateway: Server, workers: Workers) -> float:
    """CPU time of the rounds that the gateway makes on its own, each told by all pods' being asked."""
    pid = gateway.process.pid
    _until_asked(workers, 1)
    cpu, asked = cpu_seconds(pid), workers.answers()
    _until_asked(workers, ROUNDS)
    return (cpu_seconds(pid) - cpu) / ((workers.answers() - asked) / PODS) / BACKGROUND_SECONDS


def _until_asked(workers: Workers, rounds: int) -> None:
    """Wait for so many rounds, and for what follows each."""
    wanted = workers.answers() + rounds * PODS
    end = time.monotonic() + (rounds + 2) * 2 * BACKGROUND_SECONDS
    while workers.answers() < wanted:
        if time.monotonic() > end:
            raise StageFailed("the gateway does not read its pods in the background")
        time.sleep(0.1)
    time.sleep(BACKGROUND_SECONDS / 2)


def _check(gateway: Server) -> None:
    """All calls are there, whatever pods were too slow for a round."""
    simple = json.loads(gateway.get("/metrics/simple"))
    if (simple["pods"], simple["active_sessions"]) != (PODS, PODS * ACTIVE):
        raise StageFailed(f"not all pods were read: {simple}")
