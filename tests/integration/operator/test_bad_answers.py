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
    "410 within": (lambda proxy: proxy.ending_watches(410), 5),
    "429 within": (lambda proxy: proxy.ending_watches(429), 5),
    "500 within": (lambda proxy: proxy.ending_watches(500), 5),
    "504 within": (lambda proxy: proxy.ending_watches(504), 5),
    "403": (lambda proxy: proxy.answering(403), LONGER_THAN_RETRIES_SECONDS),
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
    if fault.isdecimal() or "within" in fault:
        code = fault.removesuffix(" within")
        assert process.number(f'voiceagent_operator_watch_errors_total{{code="{code}",kind="VoiceAgent"}}') > 0
    seen = 'voiceagent_operator_watched_objects{kind="VoiceAgent"}'
    space.cluster.until(lambda: process.number(seen) == 1, "the deletion is seen")
    space.do("delete", "deployment", "two", "--wait=false")
    space.cluster.until(lambda: space.get("deployments", "two"), "a child deleted afterwards comes back")
    assert process.process.poll() is None
    assert process.asks("/healthz") == 200


def test_a_watch_that_fell_silent_is_taken_up_again_and_nobody_restarts(
    new_operator: Any, space: Any, proxy: FaultProxy, tmp_path: Path
) -> None:
    process = new_operator("--namespace", space.name)
    process.kubeconfig = proxy.kubeconfig(tmp_path)
    process.start()
    space.apply("one")
    space.until_deployed("one")
    proxy.silence_open_watches()
    space.apply("two")
    healthy: list[bool] = []

    def deployed() -> bool:
        healthy.append(process.asks("/healthz") == 200)
        return space.get("deployments", "two") is not None

    space.cluster.until(deployed, "the change is seen by another connection", 150)
    assert proxy.refused, "it was not told of by the open ones"
    assert all(healthy)
    space.until_deployed("two")


def test_watches_that_stay_silent_fail_the_health_check_only_while_the_api_server_answers(
    new_operator: Any, space: Any, proxy: FaultProxy, tmp_path: Path
) -> None:
    process = new_operator("--namespace", space.name, "--resync-seconds", "5")
    process.kubeconfig = proxy.kubeconfig(tmp_path)
    process.start()
    with proxy.silent():
        space.apply("one")
        space.cluster.until(lambda: space.get("deployments", "one"), "a listing tells of what watches do not")
        assert process.asks("/healthz") == 200
        space.cluster.until(lambda: process.asks("/healthz") == 503, "a watch counts as stuck", 180)
        with proxy.answering(503):
            space.cluster.until(lambda: process.asks("/healthz") == 200, "an outage is nobody's fault")
    space.cluster.until(lambda: process.asks("/healthz") == 200, "watches go on", 150)
    space.apply("two")
    space.until_deployed("two")
    assert process.process.poll() is None
