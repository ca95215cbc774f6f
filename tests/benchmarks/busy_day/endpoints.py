"""What worker pods serve, for all simulated pods in one process: each at its own address of loopback.

The contract is that of agent_image: `/status`, `/metrics`, and `/drain` with the control Secret's token.
"""

import hmac
from datetime import UTC, datetime, timedelta

from aiohttp import web
from busy_day.exchange import SimulatedPod, Talk
from voiceagent_api.names import WORKER_PORT
from voiceagent_api.worker_status import Outcome, SessionRecord, WorkerStatus

_EPOCH = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class Endpoints:
    """Pods by the address that they are asked at."""

    def __init__(self, agent: str, namespace: str, token: str) -> None:
        self._agent = agent
        self._namespace = namespace
        self._token = token
        self._pods: dict[str, SimulatedPod] = {}
        self._sites: dict[str, web.TCPSite] = {}
        app = web.Application()
        app.add_routes(
            [
                web.get("/status", self._status),
                web.get("/metrics", self._metrics),
                web.post("/drain", self._drain),
                web.delete("/drain", self._drain),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)

    async def start(self) -> None:
        await self._runner.setup()

    async def open(self, address: str, pod: SimulatedPod) -> None:
        """Answer for a pod from now on; an address is given to a later pod once its first has gone."""
        self._pods[address] = pod
        if address not in self._sites:
            self._sites[address] = web.TCPSite(self._runner, address, WORKER_PORT)
            await self._sites[address].start()

    async def close(self, address: str, pod: SimulatedPod) -> None:
        """The pod has gone; its address answers no more, unless it is another's already."""
        if self._pods.get(address) is pod:
            del self._pods[address]
            await self._sites.pop(address).stop()

    async def stop(self) -> None:
        await self._runner.cleanup()

    def _asked(self, request: web.Request) -> SimulatedPod:
        address = request.transport.get_extra_info("sockname")[0] if request.transport else ""
        pod = self._pods.get(address)
        if pod is None:
            raise web.HTTPServiceUnavailable
        return pod

    async def _status(self, request: web.Request) -> web.Response:
        pod = self._asked(request)
        told = [
            *(_record(talk, "completed") for talk in pod.ended),
            *(_record(t, "active") for t in pod.talks.values()),
        ]
        status = WorkerStatus(
            namespace=self._namespace, agent=self._agent, agent_name=self._agent, pod=pod.name,
            revision=pod.revision, config_revision=pod.config_revision, registered=pod.registered,
            draining=pod.draining, session_capacity=pod.capacity, sessions=told,
        )  # fmt: skip
        return web.Response(text=status.model_dump_json(by_alias=True), content_type="application/json")

    async def _metrics(self, request: web.Request) -> web.Response:
        pod = self._asked(request)
        labels = f'namespace="{self._namespace}",agent="{self._agent}",revision="{pod.revision}"'
        return web.Response(text=f"voiceagent_sessions_active{{{labels}}} {len(pod.talks)}\n")

    async def _drain(self, request: web.Request) -> web.Response:
        pod = self._asked(request)
        if not hmac.compare_digest(request.headers.get("Authorization", ""), f"Bearer {self._token}"):
            raise web.HTTPUnauthorized
        pod.draining = request.method == "POST"
        return web.json_response({"draining": pod.draining, "activeSessions": len(pod.talks)})


def _record(talk: Talk, outcome: Outcome) -> SessionRecord:
    ended = None if outcome == "active" else _EPOCH + timedelta(hours=talk.call.until)
    return SessionRecord.model_construct(
        id=f"call-{talk.number}", room=f"room-{talk.number}", started_at=_EPOCH + timedelta(hours=talk.call.at),
        ended_at=ended, config_revision="simulated", outcome=outcome,
    )  # fmt: skip
