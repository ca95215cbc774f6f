"""The agents that every contestant has to take care of, and taking all away between two of them."""

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from operator_speed.access import Access
from voiceagent_api.names import API_VERSION, FIELD_MANAGER, LABEL_MANAGED_BY, PLURAL
from voiceagent_sandbox.paths import REPO

NAMESPACE = "fleet"
AGENTS = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{PLURAL}"
APPLY = {"Content-Type": "application/apply-patch+yaml"}
JSON = {"Content-Type": "application/json"}
CLEARED_AT_ONCE = 16
SECRETS = {
    "livekit": {"LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "secret"},
    "openai": {"OPENAI_API_KEY": "key"},
    "deepgram": {"DEEPGRAM_API_KEY": "key"},
}
INSTALL = {
    "workerImage": "worker.test/voiceagent-worker:1",
    "livekit": {"url": "ws://livekit.test:7880"},
    "providers": {"llm.openai": {"baseURL": "http://speech.test/v1"}},
}


def write_install(file: Path) -> Path:
    """The configuration of the install, for the operator's --config."""
    file.write_text(yaml.safe_dump(INSTALL), encoding="utf-8")
    return file


def agent(name: str, instructions: str) -> dict[str, Any]:
    """The example's VoiceAgent under another name, with instructions of its own."""
    document = _example()
    meta = {"name": name, "namespace": NAMESPACE}
    return {**document, "metadata": meta, "spec": {**document["spec"], "instructions": instructions}}


def agent_name(number: int) -> str:
    return f"agent-{number:05}"


def instructions(number: int) -> str:
    return f"You answer the phone of practice {number}. " + "Answer in one short, plain sentence. " * 12


async def prepare(access: Access) -> None:
    """Make the namespace and the Secrets that agents use."""
    async with access.session() as session:
        await _post(session, "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        for name, values in SECRETS.items():
            body = {"metadata": {"name": name}, "stringData": values}
            await _post(session, f"/api/v1/namespaces/{NAMESPACE}/secrets", body)


async def make_agents(access: Access, count: int) -> None:
    """Make the agents, many at once."""
    async with access.session() as session:
        bodies = (agent(agent_name(number), instructions(number)) for number in range(count))
        await side_by_side(20, (_poster(session, body) for body in bodies))


async def clear(access: Access, collections: Iterable[str]) -> None:
    """Delete all agents, and everything at the paths that an operator would have made for them."""
    managed = {"labelSelector": f"{LABEL_MANAGED_BY}={FIELD_MANAGER}"}
    async with access.session(CLEARED_AT_ONCE) as session:
        everything: dict[str, dict[str, str]] = {AGENTS: {}, f"/api/v1/namespaces/{NAMESPACE}/events": {}}
        paths = everything | dict.fromkeys(collections, managed)
        await asyncio.gather(*(_delete_all(session, path, query) for path, query in paths.items()))


async def count(session: aiohttp.ClientSession, path: str) -> int:
    """How many objects of an operator's making are at a path."""
    form = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
    query = {"labelSelector": f"{LABEL_MANAGED_BY}={FIELD_MANAGER}"}
    async with session.get(path, params=query, headers=form) as answer:
        answer.raise_for_status()
        return len((await answer.json())["items"])


async def side_by_side(width: int, calls: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Make calls in their order, so many at once."""
    waiting = iter(calls)

    async def work() -> None:
        for call in waiting:
            await call()

    async with asyncio.TaskGroup() as group:
        for _ in range(width):
            group.create_task(work())


@functools.cache
def _example() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((REPO / "crds/examples/receptionist.yaml").read_text(encoding="utf-8"))
    return document


async def _delete_all(session: aiohttp.ClientSession, path: str, query: dict[str, str]) -> None:
    async with session.delete(path, params=query, timeout=aiohttp.ClientTimeout(total=600)) as answer:
        answer.raise_for_status()
        await answer.read()


async def _post(session: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> None:
    async with session.post(path, data=json.dumps(body), headers=JSON) as answer:
        if answer.status >= 400:
            raise RuntimeError(f"POST {path}: {await answer.text()}")


def _poster(session: aiohttp.ClientSession, body: dict[str, Any]) -> Callable[[], Awaitable[None]]:
    return lambda: _post(session, AGENTS, body)
