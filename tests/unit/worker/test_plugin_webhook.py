"""A plugin at an address: what it is sent, how it can check that, and what its answers mean."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from voiceagent_worker.errors import PluginError
from voiceagent_worker.plugins.context import Conversation, PluginContext
from voiceagent_worker.plugins.webhook import MAX_ANSWER_BYTES, Webhook, replied

SECRET = b"a-secret-of-webhooks"
Answer = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


class Receiver:
    """Someone's server, which checks signatures as docs/plugins.md says."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.connections: set[Any] = set()
        self.answer: Callable[[dict[str, Any]], web.StreamResponse | Awaitable[web.StreamResponse]] = lambda _: (
            web.Response(status=204)
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        timestamp = request.headers["X-Voiceagent-Timestamp"]
        expected = hmac.new(SECRET, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(request.headers.get("X-Voiceagent-Signature", ""), f"sha256={expected}"):
            return web.Response(status=401)
        self.connections.add(request.transport)
        self.got.append(json.loads(body))
        made = self.answer(self.got[-1])
        return await made if isinstance(made, Awaitable) else made


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    server = TestServer(app)
    await server.start_server()
    yield receiver, str(server.make_url("/hook"))
    await server.close()


def context() -> PluginContext:
    conversation = Conversation("call", room="room", agent="default/receptionist", language="fr", caller="ann", turn=2)
    return PluginContext(
        {
            "direction": "user",
            "session": conversation.session,
            "room": conversation.room,
            "agent": conversation.agent,
            "language": conversation.language,
            "caller": conversation.caller,
            "turn": conversation.turn,
            "state": {},
        }
    )


async def test_a_message_is_posted_signed_and_its_answer_goes_on(receiver: tuple[Receiver, str]) -> None:
    server, url = receiver
    server.answer = lambda got: web.json_response({"message": got["message"].upper()})
    plugin = Webhook("crm", url, 5, SECRET, {"tenant": 7})
    assert await plugin.process_message("été", context()) == "ÉTÉ"
    assert server.got == [
        {
            "plugin": "crm",
            "direction": "user",
            "message": "été",
            "session": "call",
            "room": "room",
            "agent": "default/receptionist",
            "caller": "ann",
            "language": "fr",
            "turn": 2,
            "config": {"tenant": 7},
        }
    ]
    await plugin.process_message("once more", context())
    assert len(server.connections) == 1
    await plugin.on_session_end(context())


async def test_a_wrong_secret_is_seen_by_the_receiver(receiver: tuple[Receiver, str]) -> None:
    plugin = Webhook("crm", receiver[1], 5, b"another-secret")
    with pytest.raises(PluginError, match="HTTP status 401"):
        await plugin.process_message("hello", context())
    await plugin.on_session_end(context())


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda _: web.Response(status=500), "HTTP status 500"),
        (lambda _: web.Response(status=302, headers={"Location": "/elsewhere"}), "HTTP status 302"),
        (lambda _: web.Response(text="rubbish"), "not JSON"),
        (lambda _: web.json_response(["a"]), "JSON object"),
        (lambda _: web.json_response({"message": 3}), "JSON object"),
        (lambda _: web.Response(body=b" " * (MAX_ANSWER_BYTES + 1)), "more than"),
    ],
)
async def test_a_bad_answer_is_an_error_that_says_which(receiver: tuple[Receiver, str], answer: Any, told: str) -> None:
    receiver[0].answer = answer
    plugin = Webhook("crm", receiver[1], 5, SECRET)
    with pytest.raises(PluginError, match=told):
        await plugin.process_message("hello", context())
    await plugin.on_session_end(context())


async def test_a_receiver_that_does_not_answer_or_is_not_there_is_an_error(receiver: tuple[Receiver, str]) -> None:
    async def never(_: dict[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(3600)
        raise AssertionError

    receiver[0].answer = never
    plugin = Webhook("crm", receiver[1], 0.05, SECRET)
    with pytest.raises(TimeoutError):
        await plugin.process_message("hello", context())
    await plugin.on_session_end(context())
    gone = Webhook("crm", "http://user:hidden@127.0.0.1:9/hook", 5, SECRET)
    with pytest.raises(PluginError) as raised:
        await gone.process_message("hello", context())
    assert "hidden" not in str(raised.value)
    await gone.on_session_end(context())


@pytest.mark.parametrize(
    ("data", "text"), [(b"", "as it was"), (b"{}", "as it was"), (b'{"message": ""}', ""), (b'{"message": "b"}', "b")]
)
def test_what_an_answer_means(data: bytes, text: str) -> None:
    assert replied(data, "as it was") == text
