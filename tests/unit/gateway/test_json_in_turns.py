"""A large answer is made in turns with other requests."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_api.worker_status import SessionRecord, WorkerStatus
from voiceagent_gateway.app import create_app
from voiceagent_gateway.json_in_turns import PIECE_BYTES, in_turns, pieces
from voiceagent_gateway.model import PodRef, PodView
from voiceagent_gateway.settings import Settings

CALLS = 3000
STARTED = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def crowded_pod() -> PodView:
    calls = [
        SessionRecord(id=f"call-{number}", room=f"room-{number}", started_at=STARTED, config_revision="c")
        for number in range(CALLS)
    ]
    status = WorkerStatus(
        namespace="default", agent="receptionist", agent_name="default-receptionist", pod="receptionist-1",
        revision="r", config_revision="c", registered=True, draining=False, session_capacity=2 * CALLS, sessions=calls,
    )  # fmt: skip
    ref = PodRef("1", "default", "receptionist-1", "receptionist", address="10.0.0.1", phase="Running", ready=True)
    return PodView(ref, status)


@pytest.mark.parametrize("large", ["/metrics", "/metrics/sessions"])
async def test_who_asks_for_little_is_answered_while_a_large_answer_is_on_its_way(world: Any, large: str) -> None:
    world.views = [crowded_pod()]
    app = create_app(Settings(install=world.install), world.app())
    begun, answered, sent = asyncio.Event(), list[str](), bytearray()

    async def send(message: Any) -> None:
        sent.extend(message.get("body", b""))
        if sent:
            begun.set()
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.append(large)

    async def never() -> Any:
        await asyncio.Event().wait()

    async def ask_for_little(client: httpx.AsyncClient, path: str) -> None:
        await begun.wait()
        assert (await client.get(path)).status_code == 200
        answered.append(path)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        little = (ask_for_little(client, path) for path in ("/token", "/healthz"))
        await asyncio.gather(app(scope_of(large), never, send), *little)

    assert (set(answered[:2]), answered[2]) == ({"/token", "/healthz"}, large)
    found = json.loads(sent)
    assert len((found["sessions"] if large == "/metrics" else found)["sessions"]) == CALLS


def scope_of(path: str) -> dict[str, Any]:
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http",
        "headers": [], "client": ("192.0.2.7", 1), "server": ("gateway", 80),
    }  # fmt: skip


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.just(2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(scalars | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.dictionaries(st.text(), values))
def test_an_object_in_pieces_is_the_object(document: dict[str, Any]) -> None:
    assert json.loads(b"".join(pieces(document))) == document
    lazy = {key: iter(value) if isinstance(value, list) else value for key, value in document.items()}
    assert json.loads(b"".join(pieces(lazy))) == document


async def test_an_item_is_made_only_when_the_pieces_before_it_were_taken() -> None:
    made: list[int] = []

    def items() -> Iterator[str]:
        for number in range(10):
            made.append(number)
            yield "x" * PIECE_BYTES

    parts = in_turns(pieces({"items": items()}))
    await anext(parts)
    assert made == [0]
    await anext(parts)
    assert made == [0, 1]
    await parts.aclose()
