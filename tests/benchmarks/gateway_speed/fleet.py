"""The agents, Secrets and worker pods that the gateway is to know of, made on a real API server."""

import functools
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from local_livekit import API_KEY, API_SECRET
from operator_speed.access import Access
from operator_speed.fleet import side_by_side
from voiceagent_api.names import API_VERSION, LABEL_AGENT, LABEL_REVISION, PLURAL, WORKER_PORT_NAME, WORKER_SELECTOR

NAMESPACE = "calls"
AGENT = "receptionist"
AGENT_NAME = f"{NAMESPACE}-{AGENT}"
LIVEKIT_URL = "ws://livekit.test:7880"
LIVEKIT_SECRET = "livekit"
KEYS_SECRET = "voiceagents-api-keys"
PODS_AN_AGENT = 20
_FIRST_ADDRESS = ipaddress.IPv4Address("127.60.0.1")
_MERGE = {"Content-Type": "application/merge-patch+json"}


@dataclass(frozen=True)
class Pod:
    """A worker pod, and where its stand-in answers."""

    name: str
    agent: str
    address: str


def pods(count: int) -> list[Pod]:
    """So many pods, 20 an agent; the first agent is the one that is called."""
    return [Pod(f"worker-{n:04}", agent_of(n // PODS_AN_AGENT), str(_FIRST_ADDRESS + n)) for n in range(count)]


def agent_of(number: int) -> str:
    """The name of an agent."""
    return AGENT if number == 0 else f"agent-{number:02}"


async def prepare(access: Access, keys: dict[str, str]) -> None:
    """Make the namespace, the LiveKit Secret, and the Secret with the API keys' entries."""
    async with access.session() as session:
        await _send(session, "POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        secrets = {LIVEKIT_SECRET: {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}, KEYS_SECRET: keys}
        for name, values in secrets.items():
            body = {"metadata": {"name": name}, "stringData": values}
            await _send(session, "POST", f"/api/v1/namespaces/{NAMESPACE}/secrets", body)


async def make(access: Access, made: list[Pod], port: int) -> None:
    """Make these pods, and those of their agents that are not there yet."""
    async with access.session() as session:
        agents = dict.fromkeys(pod.agent for pod in made)
        await side_by_side(10, [functools.partial(_make_agent, session, name) for name in agents])
        await side_by_side(20, [functools.partial(_make_pod, session, pod, port) for pod in made])


async def clear(access: Access) -> None:
    """Take away all pods."""
    query = {"gracePeriodSeconds": "0"}
    async with access.session() as session, session.delete(f"/api/v1/namespaces/{NAMESPACE}/pods", params=query) as it:
        it.raise_for_status()


async def _make_agent(session: aiohttp.ClientSession, name: str) -> None:
    collection = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{PLURAL}"
    provider = {"provider": "openai"}
    providers = dict.fromkeys(("stt", "llm", "tts"), provider)
    body = {
        "apiVersion": API_VERSION,
        "kind": "VoiceAgent",
        "metadata": {"name": name},
        "spec": {"instructions": "You answer the phone.", "providers": providers},
    }
    if not await _send(session, "POST", collection, body, there_is_fine=True):
        return
    status = {"agentName": f"{NAMESPACE}-{name}", "readyReplicas": PODS_AN_AGENT, "readySummary": "20/20"}
    await _send(session, "PATCH", f"{collection}/{name}/status", {"status": status})


async def _make_pod(session: aiohttp.ClientSession, pod: Pod, port: int) -> None:
    collection = f"/api/v1/namespaces/{NAMESPACE}/pods"
    labels = dict(_selected()) | {LABEL_AGENT: pod.agent, LABEL_REVISION: "r1"}
    container = {"name": "worker", "image": "none", "ports": [{"name": WORKER_PORT_NAME, "containerPort": port}]}
    body = {"metadata": {"name": pod.name, "labels": labels}, "spec": {"containers": [container]}}
    if not await _send(session, "POST", collection, body, there_is_fine=True):
        return
    conditions = [{"type": "Ready", "status": "True"}]
    status = {
        "phase": "Running",
        "podIP": pod.address,
        "podIPs": [{"ip": pod.address}],
        "conditions": conditions,
    }
    await _send(session, "PATCH", f"{collection}/{pod.name}/status", {"status": status})


def _selected() -> Iterator[tuple[str, str]]:
    for label in WORKER_SELECTOR.split(","):
        name, _, value = label.partition("=")
        yield name, value


async def _send(
    session: aiohttp.ClientSession, method: str, path: str, body: dict[str, Any], *, there_is_fine: bool = False
) -> bool:
    """Send it; whether there was no such object yet."""
    headers = _MERGE if method == "PATCH" else None
    async with session.request(method, path, json=body, headers=headers) as answer:
        if there_is_fine and answer.status == 409:
            return False
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {await answer.text()}")
        return True
