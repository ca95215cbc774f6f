"""Watches recover whatever the API server, or what is before it, answers; nothing that changed meanwhile is lost."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import FaultProxy

OPERATOR_USER = "voiceagent-operator"
LONGER_THAN_RETRIES_SECONDS = 25
"""What a request is tried again for, at the longest, before it is given up."""


@pytest.fixture
def proxy(cluster: Any, rights: None) -> Iterator[FaultProxy]:
    with FaultProxy(cluster, OPERATOR_USER).running() as running:
        yield running


@contextlib.contextmanager
def dropping(proxy: FaultProxy) -> Iterator[None]:
    for _ in range(10):
        proxy.cut()
        time.sleep(0.3)
    proxy.refused += 1
    yield


FAULTS: dict[str, tuple[Callable[[FaultProxy], AbstractContextManager[None]], float]] = {
    "503": (lambda proxy: proxy.answering(503), LONGER_THAN_RETRIES_SECONDS),
    "429": (lambda proxy: proxy.answering(429, **{"Retry-After": "1"}), LONGER_THAN_RETRIES_SECONDS),
    "410": (lambda proxy: proxy.gone(), 5),
    "dropped": (dropping, 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_changes_while_watches_fail_is_taken_up_and_nobody_restarts(
    new_operator: Any, space: Any, proxy: FaultProxy, tmp_path: Path, fault: str
) -> None:
    process = new_operator("--namespace", space.name)
    process.kubeconfig = proxy.kubeconfig(tmp_path)
    process.start()
    for name in ("one", "two"):
        space.apply(name)
        space.until_deployed(name)
    begin, seconds = FAULTS[fault]
    with begin(proxy):
        space.do("delete", "va", "one")
        space.do("delete", "service", "two")
        time.sleep(seconds)
        assert proxy.refused
    space.cluster.until(lambda: space.get("services", "two"), "the deleted Service is back")
    seen = 'voiceagent_operator_watched_objects{kind="VoiceAgent"}'
    space.cluster.until(lambda: process.number(seen) == 1, "the deletion is seen")
    space.do("delete", "deployment", "two", "--wait=false")
    space.cluster.until(lambda: space.get("deployments", "two"), "a child deleted afterwards comes back")
    assert process.process.poll() is None
    assert process.asks("/healthz") == 200
