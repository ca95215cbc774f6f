"""What the operator makes of a worker pod's answer, as it comes over a real connection."""

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from voiceagent_api.worker_status import SessionRecord, WorkerStatus
from voiceagent_operator.death_watch import DeathWatch
from voiceagent_operator.objects import Key
from voiceagent_operator.pod_reader import LARGEST_ANSWER_BYTES, PodReader
from voiceagent_operator.pods import PodView

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WHERE = Key("default", "receptionist-1")


def answer_of_calls(count: int) -> bytes:
    sessions = [
        SessionRecord(
            id=f"AJ_{number}", room=f"room-{number}", config_revision="c", outcome="active",
            started_at=NOW - timedelta(minutes=1),
        )
        for number in range(count)
    ]  # fmt: skip
    status = WorkerStatus(
        namespace="default", agent="receptionist", agent_name="default-receptionist", pod=WHERE.name, revision="r",
        config_revision="c", registered=True, draining=False, session_capacity=count, sessions=sessions,
    )  # fmt: skip
    return status.model_dump_json(by_alias=True).encode()


async def sessions_read(pieces: list[bytes]) -> tuple[bool, int]:
    """Whether a pod whose answer comes in these pieces can be read, and its calls."""

    async def tell(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0.01)
        return response

    app = web.Application()
    app.add_routes([web.get("/status", tell)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        address = f"127.0.0.1:{runner.addresses[0][1]}"
        pod = PodView(WHERE, "uid", "r", "c", frozenset(), "Running", leaving=False, failure=None, address=address)
        async with aiohttp.ClientSession() as http:
            deaths = DeathWatch(lambda _: None, lambda _: None)
            reader = PodReader(http, lambda _: pod, lambda _: None, lambda: 0.0, lambda: NOW, deaths)
            await reader.read(WHERE)
            reading = reader.readings([pod])["uid"]
            return reading.reachable, reading.active_sessions
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("pieces", [1, 2, 7])
async def test_an_answer_is_read_to_its_end_in_however_many_pieces_it_comes(pieces: int) -> None:
    whole = answer_of_calls(1_000)
    size = -(-len(whole) // pieces)
    parts = [whole[begin : begin + size] for begin in range(0, len(whole), size)]
    assert await sessions_read(parts) == (True, 1_000)


async def test_an_answer_without_end_is_given_up() -> None:
    assert await sessions_read([b" " * 2**20] * (LARGEST_ANSWER_BYTES // 2**20 + 1) + [answer_of_calls(1)]) == (
        False,
        0,
    )
