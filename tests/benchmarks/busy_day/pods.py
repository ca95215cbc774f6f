"""Keeps the simulated workers in step with the cluster: what Kubernetes makes and deletes starts and ends them, and
what they say of themselves decides whether Kubernetes counts a pod as ready, as a kubelet's probe would."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from busy_day.endpoints import Endpoints
from busy_day.exchange import Exchange, SimulatedPod
from voiceagent_api.names import ANNOTATION_CONFIG_REVISION, LABEL_REVISION

START_SECONDS = 2.0
"""From a worker's start until it is registered with LiveKit."""
PROBE_SECONDS = 2.0
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}


async def watched(session: aiohttp.ClientSession, path: str, selector: str) -> AsyncIterator[tuple[str, Any]]:
    """Events of all objects at a path, those that are there first; goes on until cancelled."""
    query = {"watch": "1", "labelSelector": selector, "timeoutSeconds": "86400"}
    patience = aiohttp.ClientTimeout(total=None)
    async with session.get(path, params=query, timeout=patience) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            event = json.loads(line)
            if event["type"] == "ERROR":
                raise RuntimeError(f"The watch of {path} broke: {event['object'].get('message')}")
            yield event["type"], event["object"]


class Workers:
    """All simulated workers of one namespace."""

    def __init__(
        self, session: aiohttp.ClientSession, namespace: str, exchange: Exchange, endpoints: Endpoints
    ) -> None:
        self._session = session
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        self._exchange = exchange
        self._endpoints = endpoints
        self._addresses: dict[str, tuple[str, SimulatedPod]] = {}
        self._ready: dict[str, bool] = {}
        self.existing = 0
        """Pods that are there, in whatever state: what is paid for."""

    async def follow(self, selector: str) -> None:
        """Start and end workers as pods come and go."""
        names: set[str] = set()
        loop = asyncio.get_running_loop()
        async for kind, body in watched(self._session, self._path, selector):
            meta, status = body["metadata"], body.get("status", {})
            name = meta["name"]
            if kind == "DELETED" or "deletionTimestamp" in meta:
                names.discard(name)
                self._exchange.remove(name)
                if name in self._addresses:
                    await self._endpoints.close(*self._addresses.pop(name))
                self._ready.pop(name, None)
            else:
                names.add(name)
                if status.get("podIP") and name not in self._addresses:
                    pod = self._exchange.add(name)
                    self._addresses[name] = status["podIP"], pod
                    await self._endpoints.open(status["podIP"], pod)
                    loop.call_later(START_SECONDS, self._register, pod)
                if name in self._addresses:
                    pod = self._addresses[name][1]
                    pod.revision = meta["labels"].get(LABEL_REVISION, "")
                    pod.config_revision = meta.get("annotations", {}).get(ANNOTATION_CONFIG_REVISION, "")
            self.existing = len(names)

    async def probe(self) -> None:
        """Tell Kubernetes again and again which pods are ready: those that are registered and do not drain."""
        while True:
            changed = [
                pod for pod in self._exchange.pods.values() if self._ready.get(pod.name, False) != pod.takes_calls
            ]
            await asyncio.gather(*(self._tell(pod.name, pod.takes_calls) for pod in changed))
            await asyncio.sleep(PROBE_SECONDS)

    def _register(self, pod: SimulatedPod) -> None:
        pod.registered = True

    async def _tell(self, name: str, ready: bool) -> None:
        word = "True" if ready else "False"
        status = {"conditions": [{"type": kind, "status": word} for kind in ("Ready", "ContainersReady")]}
        path = f"{self._path}/{name}/status"
        body = json.dumps({"status": status})
        async with self._session.patch(path, data=body, headers=STRATEGIC) as answer:
            if answer.status not in (200, 404):
                raise RuntimeError(f"PATCH {path}: {await answer.text()}")
        self._ready[name] = ready


async def wanted_replicas(session: aiohttp.ClientSession, path: str, seen: list[int], selector: str) -> None:
    """Note each number of replicas that the operator sets, in `seen`."""
    with contextlib.suppress(asyncio.CancelledError):
        async for _, body in watched(session, path, selector):
            replicas = body["spec"]["replicas"]
            if not seen or seen[-1] != replicas:
                seen.append(replicas)
