"""The routes of a server whose models are not loaded: keys, errors, script, faults, journal, health."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from voiceagent_speech.app import create_app
from voiceagent_speech.context import make_context
from voiceagent_speech.settings import Settings

Client = TestClient[Any, Any]
KEY = {"Authorization": "Bearer sandbox"}
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "When are you open?"}]}
SAY = {"replies": [{"match": "open", "say": "From nine to five."}]}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    settings = Settings(allow_script=True, allow_faults=True, queue_limit=2)
    async with TestClient(TestServer(create_app(make_context(settings)))) as running:
        yield running


@pytest.fixture
async def closed_client() -> AsyncIterator[Client]:
    settings = Settings(journal=False)
    async with TestClient(TestServer(create_app(make_context(settings)))) as running:
        yield running


async def status_and_body(response: aiohttp.ClientResponse) -> tuple[int, Any]:
    return response.status, await response.json()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Bearer invalid-key"}])
async def test_a_missing_or_invalid_key_is_refused_in_openais_form(client: Client, headers: dict[str, str]) -> None:
    status, body = await status_and_body(await client.post("/v1/chat/completions", json=CHAT, headers=headers))
    assert status == 401
    assert body["error"]["type"] == "invalid_request_error"
    assert body["error"]["code"] == ("invalid_api_key" if "invalid" in str(headers) else None)


@pytest.mark.parametrize("path", ["/v1/listen", "/v1/speak"])
async def test_a_missing_or_invalid_key_is_refused_in_deepgrams_form(client: Client, path: str) -> None:
    for headers in ({}, {"Authorization": "Token invalid"}):
        response = await client.post(path, headers=headers)
        status, body = await status_and_body(response)
        assert (status, body["err_code"]) == (401, "INVALID_AUTH")
        assert response.headers["dg-request-id"] == body["request_id"]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect(path, headers={"Authorization": "Token invalid"})
    assert refused.value.status == 401


async def test_alive_comes_before_ready(client: Client) -> None:
    assert (await client.get("/healthz")).status == 200
    assert await status_and_body(await client.get("/readyz")) == (503, {"llm": False, "stt": False, "tts": False})


async def test_what_needs_a_model_answers_503_until_it_is_loaded(client: Client) -> None:
    response = await client.post("/v1/chat/completions", json=CHAT, headers=KEY)
    assert response.status == 503
    assert response.headers["Retry-After"] == "2"
    speech = {"model": "tts-1", "input": "Hello.", "voice": "alloy"}
    assert (await client.post("/v1/audio/speech", json=speech, headers=KEY)).status == 503


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/", "/v1/audio/translations"])
async def test_an_unknown_path_is_answered_in_the_vendors_form(client: Client, path: str) -> None:
    status, body = await status_and_body(await client.get(path, headers=KEY))
    assert (status, body["error"]["message"]) == (404, "Not Found")


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("/v1/chat/completions", b"{", "JSON"),
        ("/v1/audio/speech", b'{"model": "tts-1"}', "input"),
        ("/v1/audio/speech", b'{"model": "tts-1", "input": "a", "response_format": "opus"}', "opus"),
        ("/v1/audio/transcriptions", b"RIFF", "multipart"),
    ],
)
async def test_a_request_that_cannot_be_used_is_answered_with_what_is_wrong(
    client: Client, path: str, body: bytes, word: str
) -> None:
    headers = {**KEY, "Content-Type": "application/json"}
    status, answer = await status_and_body(await client.post(path, data=body, headers=headers))
    assert status == 400
    assert word in answer["error"]["message"]


async def test_sound_that_is_no_wav_is_refused(client: Client) -> None:
    form = aiohttp.FormData({"model": "whisper-1"})
    form.add_field("file", b"ID3 something", filename="file.mp3")
    status, body = await status_and_body(await client.post("/v1/audio/transcriptions", data=form, headers=KEY))
    assert status == 400
    assert "wav" in body["error"]["message"]


async def test_a_script_answers_and_the_journal_tells_of_it(client: Client) -> None:
    assert (await client.put("/sandbox/script", json=SAY)).status == 200
    _, body = await status_and_body(await client.post("/v1/chat/completions", json=CHAT, headers=KEY))
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] == "From nine to five."
    _, journal = await status_and_body(await client.get("/sandbox/journal", params={"kind": "llm", "limit": "1"}))
    (entry,) = journal["entries"]
    assert (entry["text"], entry["scripted"], entry["outcome"]) == ("From nine to five.", True, "ok")
    assert entry["messages"] == CHAT["messages"]
    await client.delete("/sandbox/script")
    assert (await client.post("/v1/chat/completions", json=CHAT, headers=KEY)).status == 503


@pytest.mark.parametrize("wants_usage", [True, False])
async def test_a_stream_ends_with_done_and_tells_usage_only_when_asked(client: Client, wants_usage: bool) -> None:
    await client.put("/sandbox/script", json=SAY)
    options = {"stream": True, "stream_options": {"include_usage": wants_usage}}
    response = await client.post("/v1/chat/completions", json={**CHAT, **options}, headers=KEY)
    text = await response.text()
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert text.endswith("data: [DONE]\n\n")
    assert ('"usage"' in text) is wants_usage


async def test_more_requests_than_the_house_holds_are_answered_with_429(client: Client) -> None:
    await client.put("/sandbox/script", json=SAY)
    slow = {"kind": "slow", "delay_seconds": 0.5, "after_bytes": 0}
    await client.put("/sandbox/faults/llm", json=slow)
    answers = await asyncio.gather(
        *(client.post("/v1/chat/completions", json={**CHAT, "stream": True}, headers=KEY) for _ in range(3))
    )
    assert sorted(answer.status for answer in answers) == [200, 200, 429]
    refused = next(answer for answer in answers if answer.status == 429)
    assert (await refused.json())["error"]["code"] == "rate_limit_exceeded"
    assert "Retry-After" in refused.headers


async def test_a_status_fault_is_in_each_vendors_form_and_goes_when_it_is_deleted(client: Client) -> None:
    fault = {"kind": "status", "status": 503, "retry_after_seconds": 3}
    assert (await client.put("/sandbox/faults/stt", json=fault)).status == 200
    response = await client.post("/v1/audio/transcriptions", headers=KEY)
    assert (response.status, response.headers["Retry-After"]) == (503, "3")
    assert "error" in await response.json()
    assert "err_code" in await (await client.post("/v1/listen", headers=KEY)).json()
    assert (await client.get("/sandbox/faults")).status == 200
    await client.delete("/sandbox/faults/stt")
    assert (await client.post("/v1/audio/transcriptions", headers=KEY)).status == 400


async def test_a_wrong_key_is_told_before_a_fault_is_spent(client: Client) -> None:
    await client.put("/sandbox/faults/llm", json={"kind": "drop", "count": 1})
    assert (await client.post("/v1/chat/completions", json=CHAT)).status == 401
    assert "llm" in await (await client.get("/sandbox/faults")).json()


async def test_an_answer_that_is_not_a_stream_can_be_cut_in_the_midst_too(client: Client) -> None:
    await client.put("/sandbox/script", json=SAY)
    await client.put("/sandbox/faults/llm", json={"kind": "drop", "after_bytes": 50})
    response = await client.post("/v1/chat/completions", json=CHAT, headers=KEY)
    with pytest.raises(aiohttp.ClientPayloadError):
        await response.read()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/sandbox/faults/video", {"kind": "drop"}, 404),
        ("PUT", "/sandbox/faults/llm", {"kind": "melt"}, 400),
        ("PUT", "/sandbox/script", {"replies": [{"match": "("}]}, 400),
        ("GET", "/sandbox/journal?kind=video", None, 400),
        ("GET", "/sandbox/journal?limit=all", None, 400),
    ],
)
async def test_a_wrong_order_to_the_sandbox_is_refused(
    client: Client, method: str, path: str, body: Any, status: int
) -> None:
    assert (await client.request(method, path, json=body)).status == status


async def test_script_and_faults_are_refused_and_the_journal_is_empty_where_they_are_off(
    closed_client: Client,
) -> None:
    assert (await closed_client.put("/sandbox/script", json=SAY)).status == 403
    assert (await closed_client.put("/sandbox/faults/llm", json={"kind": "drop"})).status == 403
    assert (await closed_client.get("/sandbox/journal")).status == 404


async def test_a_listening_stream_says_what_it_cannot_read_and_ends(client: Client) -> None:
    socket = await client.ws_connect("/v1/listen", headers=KEY)
    await socket.send_str('{"type": "KeepAlive"}')
    await socket.send_str("hello")
    assert (await socket.receive_json())["type"] == "Error"
    assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
    assert socket.close_code == 1011


async def test_a_listening_stream_that_is_closed_without_speech_ends_with_its_metadata(client: Client) -> None:
    socket = await client.ws_connect("/v1/listen?sample_rate=16000", headers=KEY)
    await socket.send_bytes(bytes(32000))
    await socket.send_str('{"type": "CloseStream"}')
    metadata = await socket.receive_json()
    assert (metadata["type"], metadata["duration"]) == ("Metadata", 1.0)
    assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_speaking_stream_answers_a_flush_of_nothing_at_once(client: Client) -> None:
    socket = await client.ws_connect("/v1/speak", headers=KEY)
    assert (await socket.receive_json())["type"] == "Metadata"
    for asked, answered in (("Flush", "Flushed"), ("Clear", "Cleared")):
        await socket.send_json({"type": asked})
        assert (await socket.receive_json())["type"] == answered
    await socket.send_json({"type": "Close"})
    assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
