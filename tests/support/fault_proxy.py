"""Stands between an operator and the real API server, and on command answers as a bad day would."""

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from processes import free_port

_NOT_PASSED_ON = frozenset({"host", "transfer-encoding", "content-length", "connection", "content-encoding"})
_GONE = {
    "type": "ERROR",
    "object": {"kind": "Status", "apiVersion": "v1", "code": 410, "reason": "Expired", "message": "too old"},
}


class FaultProxy:
    """A plain HTTP server on loopback that passes everything on, with the client certificate of one user."""

    def __init__(self, cluster: Any, user: str) -> None:
        cluster.kubeconfig(user)
        self._server = cluster.server
        self._tls = ssl.create_default_context(cafile=str(cluster.authority.certificate))
        self._tls.load_cert_chain(cluster.folder / f"{user}.crt", cluster.folder / f"{user}.key")
        self._port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._streams: set[asyncio.Task[Any]] = set()
        self._answer: dict[str, Any] | None = None
        self._gone = False
        self.refused = 0
        """How many requests met a fault."""

    def kubeconfig(self, folder: Path) -> Path:
        """The configuration of a cluster that is reached through here."""
        path = folder / "proxied.kubeconfig"
        names = {"cluster": "proxied", "user": "nobody"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "proxied",
            "contexts": [{"name": "proxied", "context": names}],
            "clusters": [{"name": "proxied", "cluster": {"server": f"http://127.0.0.1:{self._port}"}}],
            "users": [{"name": "nobody", "user": {}}],
        }
        path.write_text(yaml.safe_dump(document))
        return path

    @contextlib.contextmanager
    def running(self) -> Iterator["FaultProxy"]:
        self._thread.start()
        runner, session = self._do(self._start())
        try:
            yield self
        finally:
            self._do(self._stop(runner, session))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    @contextlib.contextmanager
    def answering(self, status: int, **headers: str) -> Iterator[None]:
        """Every request gets this answer; watches that were open are cut."""
        self._answer = {"status": status, "headers": headers}
        self.cut()
        try:
            yield
        finally:
            self._answer = None

    @contextlib.contextmanager
    def gone(self) -> Iterator[None]:
        """Watches that were open are cut, and whoever goes on with one is told that its version is too old."""
        self._gone = True
        self.cut()
        try:
            yield
        finally:
            self._gone = False

    def cut(self) -> None:
        """Break off every open connection."""

        async def cancel() -> None:
            for task in list(self._streams):
                task.cancel()

        self._do(cancel())

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _start(self) -> tuple[web.AppRunner, aiohttp.ClientSession]:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ssl=self._tls))
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        return runner, self._session

    @staticmethod
    async def _stop(runner: web.AppRunner, session: aiohttp.ClientSession) -> None:
        await runner.cleanup()
        await session.close()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            if self._answer is not None:
                self.refused += 1
                return web.json_response({"kind": "Status", "code": self._answer["status"]}, **self._answer)
            if self._gone and "watch" in request.query:
                self.refused += 1
                return web.Response(text=json.dumps(_GONE) + "\n", content_type="application/json")
            return await self._forward(request)
        finally:
            self._streams.discard(task)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}
        url = f"{self._server}{request.path_qs}"
        async with self._session.request(
            request.method,
            url,
            headers=headers,
            data=(await request.read()) or None,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_PASSED_ON}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response
