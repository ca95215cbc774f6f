"""The process: its flags, its logs, its health, and how it ends on a mistake."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry
from voiceagent_operator.health import Health, health_app
from voiceagent_operator.kinds import DEPLOYMENT, SECRET, VOICE_AGENT
from voiceagent_operator.logs import JsonFormatter, about
from voiceagent_operator.metrics import Metrics
from voiceagent_operator.objects import Key
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.settings import read_settings
from voiceagent_operator.tables import Tables
from voiceagent_operator.workers import Workers


def test_flags_win_over_the_environment_and_that_over_defaults() -> None:
    environment = {"VOICEAGENT_OPERATOR_WORKERS": "3", "VOICEAGENT_OPERATOR_NAMESPACES": "a, b"}
    assert read_settings([], {}).workers == 10
    assert read_settings([], environment).workers == 3
    assert read_settings(["--workers", "5"], environment).workers == 5
    assert read_settings([], environment).namespaces == ("a", "b")
    assert read_settings(["--namespace", "x", "--namespace", "x"], environment).namespaces == ("x",)
    assert read_settings([], {}).namespaces == ()
    assert read_settings(["--config", "/etc/install.yaml"], {}).config == Path("/etc/install.yaml")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--workers", "0"], "argument --workers: 0 is less than 1"),
        (["--health-port", "70000"], "argument --health-port: 70000 is not a port"),
        (["--workers", "many"], "invalid _positive value: 'many'"),
    ],
)
def test_a_wrong_flag_ends_with_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_settings(arguments, {})
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("install", "sentence"),
    [
        (
            "gateway: {auth: {mode: x}}",
            "The install configuration {install} is wrong at gateway.auth.mode: ",
        ),
        ("{}", "KUBECONFIG names /none, which is not there. Correct or unset it."),
    ],
)
def test_a_mistake_ends_the_process_with_one_sentence(tmp_path: Path, install: str, sentence: str) -> None:
    path = tmp_path / "install.yaml"
    path.write_text(install)
    command = [sys.executable, "-m", "voiceagent_operator", "--config", str(path), "--log-level", "ERROR"]
    done = subprocess.run(
        command, env={**os.environ, "KUBECONFIG": "/none"}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(sentence.format(install=path))
    assert done.stderr.count("\n") == 1


def test_a_log_line_is_one_json_object_with_its_fields_and_without_kopfs_internals() -> None:
    record = logging.LogRecord("operator", logging.INFO, "f.py", 1, "applied %s", ("x",), None)
    record.child = "Service default/desk"
    record.settings = object()
    line = json.loads(JsonFormatter().format(record))
    assert line["time"].endswith("+00:00")
    assert {key: line[key] for key in line if key != "time"} == {
        "level": "INFO",
        "logger": "operator",
        "message": "applied x",
        "child": "Service default/desk",
    }


def test_an_exception_stays_on_its_line() -> None:
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        record = logging.LogRecord("operator", logging.ERROR, "f.py", 1, "failed", (), sys.exc_info())
    text = JsonFormatter().format(record)
    assert "\n" not in text
    assert "RuntimeError: boom" in json.loads(text)["exception"]


async def test_health_is_lost_when_work_waits_too_long_and_ready_comes_after_listing() -> None:
    now, ready, away = 0.0, asyncio.Event(), False

    async def work(_: Key) -> None: ...

    async def answers() -> bool:
        return not away

    queue: WorkQueue[Key] = WorkQueue(lambda: now)
    workers = Workers(queue, work, count=1, deadline_seconds=1.0, clock=lambda: now)
    tables, metrics = Tables(clock=lambda: now), Metrics(CollectorRegistry())
    metrics.read("queue_depth", "Waiting.", queue.depth)
    not_watched = ["pods of all namespaces: pods is forbidden"]
    health = Health(queue, workers, tables, ready.is_set, ready.is_set, lambda: not_watched, lambda: now, answers)
    async with TestClient(TestServer(health_app(health, metrics.registry))) as client:
        queue.add(Key("default", "desk"))
        now = 1000.0
        assert [(await client.get(path)).status for path in ("/healthz", "/readyz")] == [200, 503]
        assert "\n".join(not_watched) in await (await client.get("/readyz")).text()
        ready.set()
        assert [(await client.get(path)).status for path in ("/healthz", "/readyz")] == [503, 200]
        assert "has been waiting to be reconciled for 1000 s" in await (await client.get("/healthz")).text()
        assert "voiceagent_operator_queue_depth 1.0\n" in await (await client.get("/metrics")).text()
        away = True
        assert (await client.get("/healthz")).status == 200, "an outage of the API server restarts nobody"


async def test_health_is_lost_when_a_watch_owes_what_is_known_already() -> None:
    now = 0.0

    async def work(_: Key) -> None: ...

    async def answers() -> bool:
        return True

    queue: WorkQueue[Key] = WorkQueue(lambda: now)
    workers = Workers(queue, work, count=1, deadline_seconds=1.0, clock=lambda: now)
    tables = Tables(clock=lambda: now)
    health = Health(queue, workers, tables, lambda: True, lambda: True, list, lambda: now, answers)
    body = {"metadata": {"name": "desk", "namespace": "default", "uid": "u", "resourceVersion": "5"}}
    tables.remember(DEPLOYMENT, body)
    assert await health.complaint() is None
    now = 71.0
    assert await health.complaint() is None, "a silent watch is taken up again first"
    now = 101.0
    assert "A watch is stuck" in str(await health.complaint())
    tables.note(DEPLOYMENT, "MODIFIED", body)
    assert await health.complaint() is None


def test_every_line_of_a_reconcile_names_its_voiceagent() -> None:
    record = logging.LogRecord("any", logging.INFO, "f.py", 1, "applied", (), None)
    with about(namespace="default", voiceagent="desk"):
        line = json.loads(JsonFormatter().format(record))
    assert (line["namespace"], line["voiceagent"]) == ("default", "desk")
    assert "voiceagent" not in json.loads(JsonFormatter().format(record))


def test_paths_are_those_of_the_api() -> None:
    assert DEPLOYMENT.path() == "/apis/apps/v1/deployments"
    assert SECRET.path("default", "x") == "/api/v1/namespaces/default/secrets/x"
    assert VOICE_AGENT.path("default", "x", "status") == (
        "/apis/voiceagents.dev/v1alpha1/namespaces/default/voiceagents/x/status"
    )
