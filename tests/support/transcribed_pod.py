"""A worker pod's `/transcripts`, by the worker's own parts, and a gateway's keeper of what it says."""

import asyncio
import base64
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from voiceagent_api.worker_status import SessionRecord, WorkerStatus
from voiceagent_gateway.database import Database, open_database
from voiceagent_gateway.model import AgentRef, PodRef, PodView
from voiceagent_gateway.transcripts.erased_file import ErasedFile
from voiceagent_gateway.transcripts.erasing import Erasing
from voiceagent_gateway.transcripts.keeper import TranscriptKeeper
from voiceagent_gateway.transcripts.pods import ControlTokens, PodTranscripts
from voiceagent_gateway.transcripts.store import ERASED_KEPT, SCHEMA
from voiceagent_gateway.wake import Wake
from voiceagent_worker.events import LineSaid, SessionEnded, SessionStarted, WordsSaid
from voiceagent_worker.sessions import SessionRegistry
from voiceagent_worker.transcript_routes import transcript_routes, until_fetched
from voiceagent_worker.transcripts import HeldTranscripts

TOKEN = "a-control-token"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MEGABYTE = 1024 * 1024
ASKING = AgentRef("default", "receptionist", "default-receptionist", transcript_hours=24)


@dataclass
class TranscribedPod:
    """One pod: it is told what is said, and answers for it."""

    folder: Path
    name: str = "receptionist-a"
    now: datetime = NOON
    transcribes: bool = True
    reachable: bool = True
    terminating: bool = False
    asked: list[str] = field(default_factory=list)
    port: int = 0
    started: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "token").write_text(TOKEN)
        self.restart()

    def restart(self) -> None:
        """Its container begins anew."""
        self.started += 1
        process = f"process-{self.started}"
        self.held = HeldTranscripts(process, lambda: self.transcribes, lambda: self.now)
        self.registry = SessionRegistry(lambda: self.now, lambda *_: None)
        self.process = process

    def start(self, session: str, room: str = "lobby") -> None:
        began = SessionStarted(
            session=session, room=room, at=self.now, config_revision="c", transcribed=self.transcribes
        )
        self._tell(began)

    def say(self, session: str, text: str, who: Any = "caller") -> None:
        self._tell(WordsSaid(session=session, who=who, words=len(text.split()), at=self.now))
        if self.transcribes:
            self._tell(LineSaid(session=session, who=who, text=text, language="en", at=self.now))

    def end(self, session: str) -> None:
        self._tell(SessionEnded(session=session, at=self.now, outcome="completed"))

    def obey(self, transcribes: bool) -> None:
        """The manifest says so now."""
        self.transcribes = transcribes
        self.held.obey()

    @property
    def ref(self) -> PodRef:
        return PodRef(
            f"uid-{self.name}", "default", self.name, "receptionist", "r1", "127.0.0.1", self.port, "Running",
            ready=True, terminating=self.terminating,
        )  # fmt: skip

    @property
    def view(self) -> PodView:
        return PodView(self.ref, self.status(), self.now)

    def status(self) -> WorkerStatus:
        records: list[SessionRecord] = self.registry.records()
        return WorkerStatus(
            namespace="default", agent="receptionist", agent_name="default-receptionist", pod=self.name,
            revision="r1", process=self.process, config_revision="c", registered=True, draining=False,
            sessions=records, transcript_position=self.held.position,
        )  # fmt: skip

    def _tell(self, event: Any) -> None:
        self.held.handle(event)
        self.registry.handle(event)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.asked.append(f"{request.method} {request.path_qs}")
            if not self.reachable:
                return web.Response(status=500)
            app = {(route.method, route.path): route for route in transcript_routes(self.folder / "token", self.held)}
            if request.method == "DELETE":
                return await app["DELETE", "/transcripts/{session}"].handler(request)  # type: ignore[operator, misc]
            if request.path == "/status":
                return web.Response(text=self.status().model_dump_json(by_alias=True))
            return await app["GET", "/transcripts"].handler(request)  # type: ignore[operator, misc]

        app = web.Application()
        app.router.add_route("*", "/transcripts/{session}", answer)
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        try:
            yield
        finally:
            await runner.cleanup()


class ServedPod(TranscribedPod):
    """A pod in a thread of its own."""

    def serve(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        up = threading.Event()

        async def run() -> None:
            async with self.serving():
                up.set()
                await self._end.wait()

        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(run()), daemon=True)
        self._thread.start()
        assert up.wait(30)

    def drained(self) -> None:
        """It waits for its last lines to be fetched, as a worker does that has drained, and serves no more."""
        asyncio.run_coroutine_threadsafe(until_fetched(self.held), self._loop).result(30)
        self.reachable = False

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)
        self._loop.close()


class SecretWithToken:
    """An API server with the agent's control Secret."""

    async def get(self, path: str, query: Any = None, timeout_seconds: float = 0.0) -> dict[str, Any]:
        assert path == "/api/v1/namespaces/default/secrets/receptionist-control"
        return {"data": {"token": base64.b64encode(TOKEN.encode()).decode()}}


@dataclass
class Kept:
    """A gateway's keeper, and what it looks at."""

    folder: Path | None
    pods: list[TranscribedPod]
    agents: list[AgentRef] = field(default_factory=lambda: [ASKING])
    now: datetime = NOON
    unreadable: frozenset[tuple[str, str]] = frozenset()
    listed: bool = True
    most_bytes: int = MEGABYTE
    ending: Wake = field(default_factory=Wake)

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[TranscriptKeeper]:
        async with open_database(self.folder, SCHEMA, 64 * MEGABYTE) as database, asking() as pods:
            self.database: Database = database
            erased = ErasedFile(self.folder, ERASED_KEPT) if self.folder else None
            there = (lambda: [pod.ref for pod in self.pods], lambda: self.listed)
            yield TranscriptKeeper(
                lambda: self.agents,
                lambda: [pod.view for pod in self.pods],
                lambda: self.listed,
                pods,
                database,
                Erasing(database, erased, *there, pods, lambda: self.now),
                self.most_bytes,
                lambda: self.now,
                lambda: self.unreadable,
                self.ending,
            )

    def later(self, **more: float) -> None:
        """So much time passes, for all."""
        self.now += timedelta(**more)
        for pod in self.pods:
            pod.now = self.now


@asynccontextmanager
async def asking() -> AsyncIterator[PodTranscripts]:
    """How a gateway asks pods."""
    async with aiohttp.ClientSession() as session:
        yield PodTranscripts(session, ControlTokens(SecretWithToken()))  # type: ignore[arg-type]


async def texts(keeper: Any, session: str, after: int = 0) -> list[str] | None:
    """What is kept of the only call of that id; None for no such call."""
    calls = await keeper.find(session)
    if not calls:
        return None
    (call,) = calls
    said = await keeper.lines(call, after)
    return [] if said is None else [line.text for line in said.lines]
