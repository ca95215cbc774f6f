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


def _error(code: int) -> bytes:
    """How an API server ends a watch that it cannot go on with."""
    status = {"kind": "Status", "apiVersion": "v1", "code": code, "reason": "Test", "message": f"ended with {code}"}
    return json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"


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
        self._error: bytes | None = None
        self._silent = False
        self._silenced: set[asyncio.Task[Any]] = set()
        self._watches: dict[web.StreamResponse, asyncio.Task[Any]] = {}
        """Those that have just told a whole event, or nothing yet."""
        self.late_seconds: dict[str, float] = {}
        """By how much requests come late, by a part of their path."""
        self.refused = 0
        """How many requests met a fault."""
        self.writes: list[str] = []
        """The paths of all requests that came to write something, but for Leases."""

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
    def ending_watches(self, code: int) -> Iterator[None]:
        """Watches end with an error of this code, those that are open and those that begin."""
        self._error = _error(code)
        self._do(self._end_watches(self._error))
        self.cut()
        try:
            yield
        finally:
            self._error = None

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Watches stay open, and nothing more comes through; nor does it later through those that missed something."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False

    def silence_open_watches(self) -> None:
        """What is open now tells nothing any more."""

        async def silence() -> None:
            self._silenced.update(self._watches.values())

        self._do(silence())

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
        if request.method != "GET" and "/leases" not in request.path:
            self.writes.append(f"{request.method} {request.path}")
        try:
            await asyncio.sleep(sum(late for part, late in self.late_seconds.items() if part in request.path))
            if self._answer is not None:
                self.refused += 1
                return web.json_response({"kind": "Status", "code": self._answer["status"]}, **self._answer)
            if self._error is not None and "watch" in request.query:
                self.refused += 1
                return web.Response(body=self._error, content_type="application/json")
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
            if "watch" in request.query:
                await self._pass_on_events(response, answer.content)
            else:
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
            await response.write_eof()
            return response

    async def _pass_on_events(self, response: web.StreamResponse, events: aiohttp.StreamReader) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._watches[response] = task
        try:
            async for chunk in events.iter_any():
                if self._silent or task in self._silenced:
                    self.refused += 1
                    await asyncio.Event().wait()  # until the other side gives up
                self._watches.pop(response, None)
                await response.write(chunk)
                if chunk.endswith(b"\n"):
                    self._watches[response] = task
        finally:
            self._watches.pop(response, None)
            self._silenced.discard(task)

    async def _end_watches(self, error: bytes) -> None:
        for response in list(self._watches):
            await response.write(error)
            self.refused += 1
