"""Getting a token: the wire, the waiting, and the sentences for what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from voiceagent_caller import CallerMistake, CallFailed
from voiceagent_caller.gateway import Ticket, get_ticket, retry_after_seconds

GIVEN = {"url": "ws://x", "token": "secret", "room": "r", "identity": "me", "expires_at": "2030-01-01T00:00:00Z"}


def ask(answer: Callable[[httpx.Request], httpx.Response], room: str | None = None, seconds: float = 1.0) -> Ticket:
    transport = httpx.MockTransport(answer)
    return asyncio.run(
        get_ticket("http://gateway", "default/receptionist", room, timeout_seconds=seconds, transport=transport)
    )


def test_a_token_is_asked_for_by_agent_and_room() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json=GIVEN)

    assert ask(answer) == Ticket("ws://x", "secret", "r", "me")
    ask(answer, room="a b")
    assert asked == [
        "http://gateway/token?agent=default%2Freceptionist",
        "http://gateway/token?agent=default%2Freceptionist&room=a+b",
    ]


def test_a_ticket_does_not_show_its_token() -> None:
    assert "secret" not in repr(ask(lambda _: httpx.Response(200, json=GIVEN)))


def test_a_busy_gateway_is_asked_again_after_the_time_it_names() -> None:
    answers = [httpx.Response(503, headers={"Retry-After": "0.1"}), httpx.Response(200, json=GIVEN)]
    assert ask(lambda _: answers.pop(0)).room == "r"


def test_a_gateway_that_stays_busy_is_quoted() -> None:
    busy = httpx.Response(503, json={"detail": "All 4 lines are busy."}, headers={"Retry-After": "0.2"})
    with pytest.raises(CallFailed, match=r"within 0.5 s\. The gateway says: All 4 lines are busy\."):
        ask(lambda _: busy, seconds=0.5)


def test_a_refusal_is_the_users_to_mend_and_gives_its_detail() -> None:
    problem = {"type": "about:blank", "title": "Not Found", "detail": "No agent default/receptionist. Try --agent."}
    with pytest.raises(CallerMistake, match=r"\(404\): No agent default/receptionist\. Try --agent\."):
        ask(lambda _: httpx.Response(404, json=problem))


def test_a_broken_gateway_is_a_failed_call() -> None:
    with pytest.raises(CallFailed, match=r"failed to give a token \(500\): boom"):
        ask(lambda _: httpx.Response(500, text="boom"))


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"token": "x"}'])
def test_something_else_at_the_address_is_said_to_be_no_gateway(body: bytes) -> None:
    with pytest.raises(CallFailed, match="is that the address of a voiceagent gateway"):
        ask(lambda _: httpx.Response(200, content=body))


def test_an_address_where_nobody_listens_is_named() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with pytest.raises(CallFailed, match=r"http://gateway cannot be reached \(connection refused\)"):
        ask(refuse)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 1.0),
        ("", 1.0),
        ("7", 7.0),
        ("0", 0.1),
        ("-3", 0.1),
        ("rubbish", 1.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.1),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float) -> None:
    assert retry_after_seconds(header, datetime(2026, 3, 1, 12, tzinfo=UTC)) == pytest.approx(seconds)
