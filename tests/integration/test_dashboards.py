"""The dashboards' queries, answered by Prometheus and by another store of what operator, gateway and worker tell."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from chart import CHART
from exposed_metrics import gateway_text, operator_text, worker_text
from local_metrics_store import MetricsStore, metrics_store
from local_prometheus import prometheus

SCRAPES = 20
SCRAPE_SECONDS = 30
CHOSEN = {"$namespace": "default", "$agent": "receptionist", "$__rate_interval": "5m", "$__range": "3h"}
NOTHING_WRONG = {"Providers that do not serve"}
"""Panels that are empty while all goes well."""
COUNTER = re.compile(rb"^(\w+(?:_total|_bucket|_count|_sum)(?:{.*})? )(\S+)$", re.MULTILINE)
QUERIES = [
    pytest.param(target["expr"], panel["title"] in NOTHING_WRONG, id=f"{file.stem}: {panel['title']} {target['refId']}")
    for file in sorted(CHART.glob("files/dashboards/*.json"))
    for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
    for target in panel.get("targets", ())
]


def counted(text: bytes, times: int) -> bytes:
    """The metrics after everything that is counted has happened so many times more."""
    return COUNTER.sub(lambda found: found[1] + str(float(found[2]) + times).encode(), text)


@pytest.fixture(scope="module", params=[metrics_store, prometheus], ids=["VictoriaMetrics", "Prometheus"])
def store(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[MetricsStore, int]]:
    """A store that has scraped all three for ten minutes, and when it did so last."""
    folder = tmp_path_factory.mktemp("metrics")
    with ThreadPoolExecutor(1) as thread:  # where no other test's loop is
        gateway = thread.submit(asyncio.run, gateway_text(folder)).result(60)
    with request.param(folder) as started:
        now = int(time.time())
        for number in range(SCRAPES):
            for text in (operator_text(), gateway, worker_text()):
                started.take_in(counted(text, SCRAPES - number), 1000 * (now - number * SCRAPE_SECONDS))
        started.flush()
        yield started, now


@pytest.mark.parametrize(("query", "may_be_empty"), QUERIES)
def test_a_query_has_an_answer(store: tuple[MetricsStore, int], query: str, may_be_empty: bool) -> None:
    for name, value in CHOSEN.items():
        query = query.replace(name, value)
    asked = {"query": query, "time": store[1], "nocache": 1}
    answer = httpx.get(f"{store[0].url}/api/v1/query", params=asked, timeout=30, trust_env=False)
    body: dict[str, Any] = answer.json()
    assert body["status"] == "success", body
    assert body["data"]["result"] or may_be_empty, f"no series: {query}"
