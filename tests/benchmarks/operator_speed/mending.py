"""How soon a child that somebody else deletes or edits is as it should be again."""

import asyncio
import json
import time
from dataclasses import dataclass

import aiohttp
from operator_speed.fleet import NAMESPACE, agent_name
from operator_speed.sight import Sight, watching
from operator_speed.stage import Stage

TRIES = 20
PAUSE_SECONDS = 0.2
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
FORM = {"Content-Type": "application/merge-patch+json"}
STRANGE_REPLICAS = 7


@dataclass(frozen=True)
class Mending:
    """Seconds from the stranger's request to the watched event of the child as it should be, by try."""

    deleted: list[float]
    edited: list[float]


def mending_seconds(stage: Stage) -> Mending:
    """Delete Deployments of several agents, and edit those of others, one at a time."""
    return asyncio.run(_mending(stage))


async def _mending(stage: Stage) -> Mending:
    deleted, edited = [], []
    async with stage.access.session() as session, watching(session, DEPLOYMENTS) as sight:
        for number in range(TRIES):
            deleted.append(await _delete(session, sight, agent_name(number * 3 + 1)))
            await asyncio.sleep(PAUSE_SECONDS)
            edited.append(await _edit(session, sight, agent_name(number * 3 + 2)))
            await asyncio.sleep(PAUSE_SECONDS)
    return Mending(deleted, edited)


async def _delete(session: aiohttp.ClientSession, sight: Sight, name: str) -> float:
    began = time.monotonic()
    async with session.delete(f"{DEPLOYMENTS}/{name}") as answer:
        answer.raise_for_status()
    await sight.until(lambda event: event["type"] == "ADDED" and event["object"]["metadata"]["name"] == name)
    return time.monotonic() - began


async def _edit(session: aiohttp.ClientSession, sight: Sight, name: str) -> float:
    async with session.get(f"{DEPLOYMENTS}/{name}") as answer:
        answer.raise_for_status()
        wanted = (await answer.json())["spec"]["replicas"]
    assert wanted != STRANGE_REPLICAS
    began, strange = time.monotonic(), {"spec": {"replicas": STRANGE_REPLICAS}}
    async with session.patch(f"{DEPLOYMENTS}/{name}", headers=FORM, data=json.dumps(strange)) as answer:
        answer.raise_for_status()
        version = int((await answer.json())["metadata"]["resourceVersion"])

    def put_back(event: dict[str, dict[str, dict[str, str]]]) -> bool:
        found = event["object"]
        later = found["metadata"]["name"] == name and int(found["metadata"]["resourceVersion"]) > version
        return later and found["spec"]["replicas"] == wanted

    await sight.until(put_back)
    return time.monotonic() - began
