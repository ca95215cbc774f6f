"""A process that sees when all agents have converged: it watches the VoiceAgents, the same way for every contestant.

    python -m operator_speed.watcher ACCESS CHILDREN... --agents N --seconds S

It prints JSON lines: when it watches, when the first child was written, how many agents have converged, and when the
last one did. An agent has converged once its status is of its newest generation and has a Ready condition: a
contestant writes that last. Times are of the system's monotonic clock, which all processes share.
"""

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
from operator_speed.access import Access, listed
from operator_speed.fleet import AGENTS

LINE_SECONDS = 0.5


def say(**told: Any) -> None:
    print(json.dumps(told), flush=True)


def converged(agent: dict[str, Any]) -> bool:
    status = agent.get("status") or {}
    ready = any(condition["type"] == "Ready" for condition in status.get("conditions") or ())
    return ready and status.get("observedGeneration") == agent["metadata"]["generation"]


async def events(session: aiohttp.ClientSession, path: str, version: str) -> AsyncGenerator[bytes, None]:
    """The lines of a watch, until its server ends it."""
    query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "3000"}
    async with session.get(path, params=query, timeout=aiohttp.ClientTimeout(total=None)) as answer:
        answer.raise_for_status()
        rest = b""
        async for chunk in answer.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line


async def first_child(session: aiohttp.ClientSession, collections: list[str]) -> None:
    """Say when the first child is written, wherever that is."""

    async def first(path: str) -> float:
        _, version = await listed(session, path)
        async with contextlib.aclosing(events(session, path, version)) as seen:
            async for _ in seen:
                break
        return time.monotonic()

    waiting = [asyncio.create_task(first(path)) for path in collections]
    done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    say(first=min(task.result() for task in done))


async def watch(session: aiohttp.ClientSession, collections: list[str], count: int) -> None:
    agents, version = await listed(session, AGENTS)
    done = {agent["metadata"]["name"] for agent in agents if converged(agent)}
    first = asyncio.create_task(first_child(session, collections))
    await asyncio.sleep(0.5)
    say(watching=len(agents))
    told_at = 0.0
    async for line in events(session, AGENTS, version):
        agent = json.loads(line)["object"]
        if converged(agent):
            done.add(agent["metadata"]["name"])
        now = time.monotonic()
        if len(done) >= count:
            await first
            say(done=now)
            return
        if now - told_at > LINE_SECONDS:
            told_at = now
            say(converged=len(done))
    raise RuntimeError("the watch ended")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("access")
    parser.add_argument("children", nargs="+")
    parser.add_argument("--agents", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    wanted = parser.parse_args()
    async with Access.read(wanted.access).session(2 * len(wanted.children) + 4) as session:
        try:
            async with asyncio.timeout(wanted.seconds):
                await watch(session, wanted.children, wanted.agents)
        except TimeoutError:
            say(late=True)


if __name__ == "__main__":
    asyncio.run(main())
