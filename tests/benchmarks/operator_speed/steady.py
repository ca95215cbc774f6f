"""What is asked of the operator once all has converged: memory, an edit, a restart and a resync."""

import asyncio
import json
import re
import statistics
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from operator_speed.fleet import AGENTS, NAMESPACE, agent_name
from operator_speed.race import Contestant, Course, RaceFailed
from operator_speed.sight import watching
from operator_speed.stage import Stage, ended, memory_megabytes
from voiceagent_api.names import LABEL_AGENT

EDITS = 20
PATIENCE_SECONDS = 120.0
SETTLE_SECONDS = 5.0
"""After the last reconcile: what is still to be written would be written by then."""


@dataclass(frozen=True)
class Restart:
    """An operator that finds everything in place."""

    seconds: float
    writes: Counter[str]
    megabytes: tuple[float, float]
    resync_writes: Counter[str]


def edit_seconds(stage: Stage) -> list[float]:
    """From sending changed instructions to seeing the agent's ConfigMap rewritten, for several agents in turn."""
    return asyncio.run(_edits(stage))


async def _edits(stage: Stage) -> list[float]:
    config_maps = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
    seconds = []
    async with stage.access.session() as session, watching(session, config_maps) as sight:
        for number in range(EDITS):
            name, words = agent_name(number * 3), f"Say that you have been changed for the {number + 1}. time."
            began = time.monotonic()
            patch, form = (
                json.dumps({"spec": {"instructions": words}}),
                {"Content-Type": "application/merge-patch+json"},
            )
            async with session.patch(f"{AGENTS}/{name}", headers=form, data=patch) as answer:
                answer.raise_for_status()
            await sight.until(partial(_is_of, name, words))
            seconds.append(time.monotonic() - began)
            await asyncio.sleep(0.2)
    return seconds


def _is_of(name: str, words: str, event: dict[str, Any]) -> bool:
    config_map = event["object"]
    mine = config_map["metadata"].get("labels", {}).get(LABEL_AGENT) == name
    return mine and any(words in text for text in config_map.get("data", {}).values())


def restart(course: Course, contestant: Contestant, port: int, agents: int) -> Restart:
    """Start the operator anew on agents that have converged; it resyncs a while later."""
    with course.progress.step(f"{contestant.name}, started anew on {agents} agents"):
        before, began = course.stage.writes(), time.monotonic()
        process = course.start(contestant)
        try:
            until(lambda: _caught_up(port, agents), "the operator to have caught up")
            seconds = time.monotonic() - began
            time.sleep(SETTLE_SECONDS)
            megabytes, writes = memory_megabytes(process.pid), course.stage.writes() - before
            listings, again = _listings(course, contestant), course.stage.writes()
            until(lambda: _listings(course, contestant) > listings, "a resync")
            time.sleep(SETTLE_SECONDS)
            return Restart(seconds, writes, megabytes, course.stage.writes() - again)
        finally:
            ended(process)


def middle(seconds: list[float]) -> float:
    return statistics.median(seconds)


def _caught_up(port: int, agents: int) -> bool:
    """Whether every agent has been looked at once, and none waits."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            pass
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return False
    return _sum(text, "voiceagent_operator_reconciles_total") >= agents and not _sum(
        text, "voiceagent_operator_queue_depth"
    )


def _sum(text: str, metric: str) -> float:
    return sum(float(value) for value in re.findall(rf"^{metric}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE))


def _listings(course: Course, contestant: Contestant) -> int:
    return course.log(contestant).read_text(encoding="utf-8").count('"message": "listed"')


def until(look: Callable[[], bool], what: str, look_seconds: float = 0.1) -> None:
    """Wait for something. Raises RaceFailed."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not look():
        if time.monotonic() > end:
            raise RaceFailed(f"waited {PATIENCE_SECONDS:.0f} s for {what}")
        time.sleep(look_seconds)
