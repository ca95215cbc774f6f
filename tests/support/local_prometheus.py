"""Prometheus itself, on loopback, which PROMETHEUS_BINARY names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from local_metrics_store import MetricsStore, until_healthy
from processes import Processes, free_port
from remote_write import HEADERS, write_request

# Tests tell of the hour before, and of one pod after the other.
CONFIGURATION = "storage: {tsdb: {out_of_order_time_window: 6h}}\n"


@dataclass(frozen=True)
class Prometheus(MetricsStore):
    """A Prometheus that runs. It sees at once what it takes in."""

    def take_in(self, text: bytes, at_milliseconds: int) -> None:
        body = write_request(text.decode(), at_milliseconds)
        answer = httpx.post(self.url + "/api/v1/write", content=body, headers=HEADERS, timeout=30, trust_env=False)
        assert answer.status_code == 204, answer.text

    def flush(self) -> None:
        return


@contextmanager
def prometheus(folder: Path) -> Iterator[Prometheus]:
    """One without data, for the length of the block."""
    binary = os.environ.get("PROMETHEUS_BINARY", "")
    if not Path(binary).exists():
        pytest.fail("PROMETHEUS_BINARY names no prometheus; run `make test-integration`.", pytrace=False)
    (folder / "prometheus.yml").write_text(CONFIGURATION)
    port = free_port()
    store = Prometheus(f"http://127.0.0.1:{port}")
    processes = Processes(folder)
    processes.start(
        "prometheus",
        binary,
        f"--web.listen-address=127.0.0.1:{port}",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.enable-remote-write-receiver",
    )
    try:
        until_healthy(store, "/-/ready")
        yield store
    finally:
        processes.stop()
