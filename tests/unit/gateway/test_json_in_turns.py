"""A large answer is made in turns with other requests."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_api.worker_status import SessionRecord, WorkerStatus
from voiceagent_gateway.json_in_turns import PIECE_BYTES, in_turns, pieces
from voiceagent_gateway.model import PodRef, PodView

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


async def test_who_asks_for_little_is_answered_while_a_large_answer_is_on_its_way(
    world: Any, ask: httpx.AsyncClient
) -> None:
    world.views = [crowded_pod()]
    await ask.get("/healthz")
    answered: list[str] = []
    answers: dict[str, httpx.Response] = {}

    async def get(path: str) -> None:
        answers[path] = await ask.get(path)
        answered.append(path)

    # In this order they begin.
    await asyncio.gather(get("/metrics"), get("/metrics/sessions"), get("/token"), get("/healthz"))

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answered, 200)
    assert set(answered[:2]) == {"/token", "/healthz"}
    assert len(answers["/metrics"].content) > 10 * PIECE_BYTES
    assert [len(answers["/metrics"].json()["sessions"]["sessions"]), len(answers["/metrics/sessions"].json())] == [
        CALLS,
        4,
    ]


scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
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
