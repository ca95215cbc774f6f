"""How long the gateway takes to answer for a week of 50 agents."""

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from figures import Figure
from gateway_speed.stage import Stage
from voiceagent_gateway.database import Database, open_database
from voiceagent_gateway.history.latencies import STAGES, bucket_of, encode
from voiceagent_gateway.history.moments import milliseconds
from voiceagent_gateway.history.points import as_json
from voiceagent_gateway.history.prune import Retention
from voiceagent_gateway.history.question import parse
from voiceagent_gateway.history.recorder import Recorder
from voiceagent_gateway.history.schema import SCHEMA
from voiceagent_gateway.history.tally import RESOLUTIONS

AGENTS: Final = 50
HOURS: Final = 168
TURNS_A_MINUTE: Final = 3
NOW: Final = datetime(2026, 5, 11, tzinfo=UTC)
MIDDLES: Final = {"e2e": 900.0, "stt": 150.0, "llm_ttft": 500.0, "tts_ttfb": 200.0}
"""Usual latencies in milliseconds; those of single turns spread around them."""
MOST_BYTES: Final = 512 * 1024 * 1024
QUERY_SECONDS: Final = 0.1


def figures(_: Stage) -> list[Figure]:
    """Seconds from a dashboard's question to its answer. It needs no other process than this one."""
    name = f"history: {HOURS} h of {AGENTS} agents as JSON, median"
    return [Figure(name, history_query_seconds(), "s", QUERY_SECONDS)]


def history_query_seconds(repeats: int = 20) -> float:
    """The median time from the question of a dashboard (all agents, seven days, by the hour) to the answer's JSON.

    The file has every minute of that week for every agent, each with turns and ended calls.
    """
    return asyncio.run(_measure(repeats))


async def _measure(repeats: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        async with open_database(Path(folder), SCHEMA, MOST_BYTES) as database:
            await _fill(database)
            recorder = Recorder(database, lambda: Retention(HOURS), lambda: NOW, lambda: True)
            times = []
            for _ in range(repeats):
                started = time.perf_counter()
                since = (NOW - timedelta(hours=HOURS)).isoformat()
                answer = as_json(await recorder.query(parse(None, since, None, None, test=False, now=NOW)))
                times.append(time.perf_counter() - started)
            if answer.count(b'"timestamp"') != AGENTS * HOURS:
                raise AssertionError("the answer lacks points")
            return median(times)


async def _fill(database: Database) -> None:
    def work(connection: sqlite3.Connection) -> None:
        connection.executemany(
            "INSERT INTO series VALUES (?, 'default', ?, 0)",
            [(number, f"agent-{number}") for number in range(AGENTS)],
        )

    await database.run(work)
    source = random.Random(7)
    for resolution in RESOLUTIONS:
        # Some rollups of each length that differ, used again and again.
        samples = [_rollup(source, resolution) for _ in range(200)]
        for number in range(AGENTS):
            rows = list(_rows(source, resolution, number, samples))
            await database.run(partial(_insert, rows))


def _insert(rows: list[tuple[Any, ...]], connection: sqlite3.Connection) -> None:
    connection.executemany("INSERT INTO rollups VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _rows(source: random.Random, resolution: int, series: int, samples: list[Any]) -> Iterator[tuple[Any, ...]]:
    first = milliseconds(NOW - timedelta(hours=HOURS))
    for start in range(first, milliseconds(NOW), resolution * 1000):
        yield (resolution, series, start, *source.choice(samples))


def _rollup(source: random.Random, resolution: int) -> tuple[Any, ...]:
    minutes = resolution // 60
    stages: list[dict[int, int]] = [{} for _ in STAGES]
    for _ in range(TURNS_A_MINUTE * minutes):
        for counts, stage in zip(stages, STAGES, strict=True):
            bucket = bucket_of(MIDDLES[stage] * source.lognormvariate(0, 0.4))
            counts[bucket] = counts.get(bucket, 0) + 1
    ended = f'{{"completed":{minutes},"user_left":{minutes},"error":1}}'
    return (5, 150_000 * minutes, 2 * minutes, ended, TURNS_A_MINUTE * minutes, encode(stages))
