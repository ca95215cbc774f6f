"""Workers against a livekit-server, all on loopback and on free ports."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from local_livekit import LiveKit, livekit_server
from worker_process import RunningWorker, end, new_worker


@pytest.fixture(scope="module")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKit]:
    """One for the module: no test stops it."""
    with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest.fixture(scope="module")
def shared_worker(livekit: LiveKit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorker]:
    """One for the module, since a start takes seconds."""
    worker = new_worker(tmp_path_factory.mktemp("shared"), livekit)
    yield worker
    end(worker)


@pytest.fixture
def worker(shared_worker: RunningWorker) -> Iterator[RunningWorker]:
    """The module's worker; its files are put back after the test."""
    config, key = shared_worker.config_path.read_text(), shared_worker.key_path.read_text()
    yield shared_worker
    shared_worker.replace_config(config)
    shared_worker.key_path.write_text(key)


@pytest.fixture
def own_livekit(tmp_path: Path) -> Iterator[LiveKit]:
    """One that the test may stop."""
    with livekit_server(tmp_path) as server:
        yield server


@pytest.fixture
def start_worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningWorker]]:
    """Starts workers of the test's own."""
    workers: list[RunningWorker] = []

    def start(livekit: LiveKit, **settings: Any) -> RunningWorker:
        worker = new_worker(tmp_path_factory.mktemp("own"), livekit, **settings)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        end(worker)
