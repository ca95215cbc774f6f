"""Events: a few are written at once, those of one agent in their order, and as many wait as a fleet makes."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from voiceagent_operator.client import Client
from voiceagent_operator.events import WRITERS, EventRecorder, Notice
from voiceagent_operator.objects import Object

FLEET = 5_000
READY, LOST = Notice("Normal", "PodsReady", "Ready: 1 of 1."), Notice("Warning", "PodLost", "Ready: 0 of 1.")


class Server(Client):
    """Takes Events, and notes how many requests there were at once."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.counts: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0

    async def create(self, path: str, body: Object) -> Object:
        await self._take()
        self.told.append((body["involvedObject"]["name"], body["reason"]))
        self.counts[body["metadata"]["name"]] = body["count"]
        return body

    async def merge(self, path: str, body: Object) -> Object:
        await self._take()
        self.counts[path.rpartition("/")[2]] = body["count"]
        return body

    async def _take(self) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1


def agent(number: int) -> dict[str, Any]:
    return {"metadata": {"name": f"agent-{number}", "namespace": "default", "uid": f"uid-{number}"}}


async def until_told(recorder: EventRecorder, server: Server, events: int) -> None:
    writing = asyncio.create_task(recorder.run())
    async with asyncio.timeout(60):
        while sum(server.counts.values()) < events:
            await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait([writing])


async def test_a_change_of_the_whole_fleet_is_told_a_few_at_a_time_and_none_is_lost() -> None:
    server = Server()
    recorder = EventRecorder(server, monotonic, lambda: datetime.now(UTC))
    for number in range(FLEET):
        recorder.record(agent(number), [READY])
    await until_told(recorder, server, FLEET)
    assert len(set(server.told)) == FLEET
    assert 1 < server.most_at_once <= WRITERS


async def test_an_agents_events_keep_their_order_and_the_same_one_counts_up() -> None:
    server = Server()
    recorder = EventRecorder(server, monotonic, lambda: datetime.now(UTC))
    recorder.record(agent(1), [READY, LOST, READY, LOST, LOST])
    await until_told(recorder, server, 5)
    assert server.told == [("agent-1", "PodsReady"), ("agent-1", "PodLost")]
    assert list(server.counts.values()) == [2, 3]
