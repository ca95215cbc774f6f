"""A real store that answers Prometheus' queries, on loopback: VictoriaMetrics, which VICTORIA_METRICS_BINARY names."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from processes import Processes, free_port


@dataclass(frozen=True)
class MetricsStore:
    """A store that runs."""

    url: str

    def take_in(self, text: bytes, at_milliseconds: int) -> None:
        """What a pod's metrics were at a moment, in the form in which they are scraped."""
        path = f"/api/v1/import/prometheus?timestamp={at_milliseconds}"
        httpx.post(self.url + path, content=text, timeout=30, trust_env=False).raise_for_status()

    def flush(self) -> None:
        """Have queries see what was taken in."""
        httpx.get(self.url + "/internal/force_flush", timeout=30, trust_env=False).raise_for_status()


@contextmanager
def metrics_store(folder: Path) -> Iterator[MetricsStore]:
    """An empty store, for the length of the block."""
    binary = os.environ.get("VICTORIA_METRICS_BINARY", "")
    if not Path(binary).exists():
        pytest.fail("VICTORIA_METRICS_BINARY names no victoria-metrics; run `make test-integration`.", pytrace=False)
    port = free_port()
    store = MetricsStore(f"http://127.0.0.1:{port}")
    processes = Processes(folder)
    processes.start(
        "victoria-metrics",
        binary,
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder / 'data'}",
        "-search.latencyOffset=0s",
        "-search.disableCache",
        "-memory.allowedBytes=128MB",
    )
    try:
        until_healthy(store, "/health")
        yield store
    finally:
        processes.stop()


def until_healthy(store: MetricsStore, path: str) -> None:
    """Wait until the store says at that path that it serves."""
    end = time.monotonic() + 60
    while True:
        try:
            if httpx.get(store.url + path, timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < end, "the metrics store did not start within 60 s"
        time.sleep(0.1)
