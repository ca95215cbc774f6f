"""A server on loopback that speaks the providers' wire protocols, well or badly, as the test wants.

What is good is as small as the protocol allows: one sentence, one tool call, a tenth of a second of sound. What is
bad comes after the first piece of a good answer, but for statuses, which come instead.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import WSMsgType, web

Fault = Literal["none", "401", "403", "429", "500", "stall", "cut", "rubbish"]
SAID = "Hello there."
SOUND = b"\x10\x00" * 2400
"""A tenth of a second at 24 kHz."""
RETRY_AFTER_SECONDS = 7
NOISE = b"\x00\xff data: {rubbish \xfe\n\n{]]\n\n"
TOOL_ARGUMENTS = '{"city": "Paris"}'


def wav(sound: bytes) -> bytes:
    """The sound as a file."""
    head = b"RIFF" + (36 + len(sound)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = b"".join(n.to_bytes(size, "little") for n, size in ((1, 2), (1, 2), (24000, 4), (48000, 4), (2, 2), (16, 2)))
    return head + form + b"data" + len(sound).to_bytes(4, "little") + sound


@dataclass
class Wire:
    """The server's state."""

    url: str
    fault: Fault = "none"
    use_tool: bool = False
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    """Path, headers and body of each request; of a WebSocket its first message."""
    over: asyncio.Event = field(default_factory=asyncio.Event)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def provider_wire() -> AsyncIterator[Wire]:
    """A server for as long as the block."""
    wire = Wire("")
    app = web.Application()
    app.add_routes(_routes(wire))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    wire.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    try:
        yield wire
    finally:
        wire.over.set()
        await runner.cleanup()


def _routes(wire: Wire) -> list[web.RouteDef]:
    def over_http(content_type: str, pieces: Callable[[Wire], Sequence[bytes]]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            wire.asked.append((request.path_qs, dict(request.headers), body))
            return await _answer(wire, request, content_type, pieces(wire))

        return handle

    def models(_: Wire) -> list[bytes]:
        return _halves(json.dumps({"object": "list", "data": [{"id": "one-model", "object": "model"}]}).encode())

    async def nothing_to_recognise(request: web.Request) -> web.StreamResponse:
        wire.asked.append((request.path_qs, dict(request.headers), await request.read()))
        if wire.fault == "none":
            return web.json_response({"error": {"code": 400, "status": "INVALID_ARGUMENT"}}, status=400)
        if wire.fault == "stall":
            await wire.over.wait()
        return _refusal(wire)

    return [
        web.get("/v1/models", over_http("application/json", models)),
        web.post("/v1/chat/completions", over_http("text/event-stream", _openai_chat)),
        web.post("/openai/deployments/{model}/chat/completions", over_http("text/event-stream", _openai_chat)),
        web.post("/v1/messages", over_http("text/event-stream", _anthropic)),
        web.post("/v2/chat", over_http("text/event-stream", _cohere)),
        web.post("/v1/models/{model}", over_http("text/event-stream", _gemini)),
        web.post("/v1/audio/transcriptions", over_http("application/json", _transcription)),
        web.post("/v1/audio/speech", over_http("audio/wav", lambda _: _halves(wav(SOUND)))),
        web.post("/cognitiveservices/v1", over_http("audio/pcm", lambda _: _halves(SOUND))),
        web.post("/sts/v1.0/issueToken", over_http("application/jwt", lambda _: [b"e30.", b"e30.e30"])),
        web.get("/openai/models", over_http("application/json", models)),
        web.get("/v1/voices", over_http("application/json", lambda _: [b'{"voices":', b" []}"])),
        web.post("/v1/speech:recognize", nothing_to_recognise),
        web.post("/v2/projects/{project}/locations/{location}/recognizers/_:recognize", nothing_to_recognise),
        web.post(
            "/v1/projects/{p}/locations/{l}/publishers/google/models/{model}",
            over_http("application/json", lambda _: [b'{"totalTokens":', b" 1}"]),
        ),
        web.get("/v1/listen", lambda request: _socket(wire, request, _deepgram_listen)),
        web.get("/v1/speak", lambda request: _socket(wire, request, _deepgram_speak)),
        web.get("/v1/text-to-speech/{voice}/multi-stream-input", lambda r: _socket(wire, r, _elevenlabs)),
        web.get("/v1/realtime", lambda request: _socket(wire, request, _openai_realtime)),
        web.get("/tts/websocket", lambda request: _socket(wire, request, _cartesia)),
    ]


def _halves(whole: bytes) -> list[bytes]:
    middle = len(whole) // 4 * 2
    return [whole[:middle], whole[middle:]]


async def _answer(wire: Wire, request: web.Request, content_type: str, pieces: Sequence[bytes]) -> web.StreamResponse:
    if wire.fault.isdigit():
        return _refusal(wire)
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    if wire.fault == "rubbish":
        await response.write(NOISE)
        return response
    for number, piece in enumerate(pieces):
        if number == 1 and wire.fault == "stall":
            await wire.over.wait()
        if number == 1 and wire.fault == "cut":
            await asyncio.sleep(0.05)  # so that what was sent is not lost with the connection
            _abort(request)
            return response
        await response.write(piece)
    return response


def _refusal(wire: Wire) -> web.Response:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if wire.fault == "429" else {}
    error = {"error": {"message": "no", "code": int(wire.fault), "status": "NO"}, "message": "no"}
    return web.json_response(error, status=int(wire.fault), headers=headers)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _event(data: dict[str, Any], name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


def _openai_chat(wire: Wire) -> list[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    if wire.use_tool:
        more = {"index": 0, "function": {"arguments": TOOL_ARGUMENTS}}
        deltas = [chunk({"role": "assistant", "tool_calls": [call]}), chunk({"tool_calls": [more]})]
    else:
        deltas = [chunk({"role": "assistant", "content": SAID[:6]}), chunk({"content": SAID[6:]})]
    usage = {"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15}
    last = {**chunk({}), "choices": [], "usage": usage}
    end = chunk({}, "tool_calls" if wire.use_tool else "stop")
    return [*(_event(one) for one in (*deltas, end, last)), b"data: [DONE]\n\n"]


def _anthropic(wire: Wire) -> list[bytes]:
    def event(kind: str, **more: Any) -> bytes:
        return _event({"type": kind, **more}, kind)

    message = {"id": "m1", "type": "message", "role": "assistant", "content": [], "model": "m", "stop_reason": None}
    if wire.use_tool:
        block: dict[str, Any] = {"type": "tool_use", "id": "call_1", "name": "weather", "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": TOOL_ARGUMENTS}]
    else:
        block = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": SAID[:6]}, {"type": "text_delta", "text": SAID[6:]}]
    start = event("message_start", message={**message, "usage": {"input_tokens": 11, "output_tokens": 0}})
    begin = event("content_block_start", index=0, content_block=block)
    first, *rest = (event("content_block_delta", index=0, delta=delta) for delta in deltas)
    end = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 4})
    stop = event("content_block_stop", index=0)
    return [start + begin + first, *rest, stop + end + event("message_stop")]


def _cohere(wire: Wire) -> list[bytes]:
    def event(kind: str, **more: Any) -> bytes:
        return _event({"type": kind, **more}, kind)

    def message(**what: Any) -> dict[str, Any]:
        return {"delta": {"message": what}}

    start = event("message-start", id="m1", **message(role="assistant", content=[]))
    if wire.use_tool:
        function = {"name": "weather", "arguments": ""}
        pieces = [
            event("tool-plan-delta", **message(tool_plan="I will look.")),
            event("tool-call-start", index=0, **message(tool_calls={"id": "call_1", "function": function})),
            event("tool-call-delta", index=0, **message(tool_calls={"function": {"arguments": TOOL_ARGUMENTS}})),
            event("tool-call-end", index=0),
        ]
    else:
        texts = (SAID[:6], SAID[6:])
        pieces = [event("content-delta", index=0, **message(content={"text": text})) for text in texts]
    usage = {"billed_units": {}, "tokens": {"input_tokens": 11, "output_tokens": 4}}
    end = event("message-end", delta={"finish_reason": "COMPLETE", "usage": usage})
    return [start + pieces[0], *pieces[1:], end]


def _gemini(wire: Wire) -> list[bytes]:
    def response(part: dict[str, Any], finish: str | None = None) -> bytes:
        candidate = {"content": {"role": "model", "parts": [part]}, "index": 0}
        usage = {"promptTokenCount": 11, "candidatesTokenCount": 4, "totalTokenCount": 15}
        ended = {"finishReason": finish} if finish else {}
        return _event({"candidates": [{**candidate, **ended}], "usageMetadata": usage})

    if wire.use_tool:
        call = {"functionCall": {"name": "weather", "args": json.loads(TOOL_ARGUMENTS)}}
        return [response(call, "STOP")]
    return [response({"text": SAID[:6]}), response({"text": SAID[6:]}, "STOP")]


def _transcription(_: Wire) -> list[bytes]:
    return _halves(json.dumps({"text": SAID}).encode())


async def _socket(
    wire: Wire, request: web.Request, speak: Callable[[Wire, web.WebSocketResponse], Awaitable[None]]
) -> web.StreamResponse:
    if wire.fault.isdigit():
        wire.asked.append((request.path_qs, dict(request.headers), None))
        return _refusal(wire)
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    first = await socket.receive()
    wire.asked.append((request.path_qs, dict(request.headers), first.data))
    match wire.fault:
        case "stall":
            await wire.over.wait()
        case "cut":
            _abort(request)
        case "rubbish":
            await socket.send_str("{]] rubbish")
            await asyncio.sleep(0.05)
            await speak(wire, socket)
        case _:
            await speak(wire, socket)
    return socket


async def _deepgram_listen(_: Wire, socket: web.WebSocketResponse) -> None:
    word = {"word": "hello", "start": 0.1, "end": 0.5, "confidence": 0.9}
    alternative = {"transcript": SAID, "confidence": 0.9, "words": [word], "languages": ["en"]}
    result = {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": 0.5,
        "start": 0.0,
        "is_final": True,
        "speech_final": True,
        "channel": {"alternatives": [alternative]},
        "metadata": {"request_id": "r1"},
    }
    await socket.send_json(result)
    async for message in socket:
        if message.type is WSMsgType.TEXT and json.loads(message.data).get("type") == "CloseStream":
            break


async def _deepgram_speak(_: Wire, socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is WSMsgType.TEXT and json.loads(message.data).get("type") == "Flush":
            await socket.send_bytes(SOUND)
            await socket.send_json({"type": "Flushed", "sequence_id": 0})


async def _elevenlabs(_: Wire, socket: web.WebSocketResponse) -> None:
    async for message in socket:
        said = json.loads(message.data)
        context = said.get("context_id")
        if said.get("close_context"):
            await socket.send_json({"audio": base64.b64encode(SOUND).decode(), "contextId": context})
            await socket.send_json({"isFinal": True, "contextId": context})


async def _cartesia(wire: Wire, socket: web.WebSocketResponse) -> None:
    said = json.loads(wire.asked[-1][2])
    while said.get("continue"):
        said = json.loads((await socket.receive()).data)
    context = {"context_id": said["context_id"], "status_code": 206}
    await socket.send_json({"type": "chunk", "data": base64.b64encode(SOUND).decode(), "done": False, **context})
    await socket.send_json({"type": "done", "done": True, **context})
    async for _ in socket:
        pass


async def _openai_realtime(_: Wire, socket: web.WebSocketResponse) -> None:
    async for message in socket:
        said = json.loads(message.data)
        if said["type"] != "response.create":
            continue
        ids = {"response_id": "r1", "item_id": "i1", "output_index": 0, "content_index": 0}
        item = {"id": "i1", "object": "realtime.item", "type": "message", "role": "assistant", "content": []}
        response: dict[str, Any] = {
            "id": "r1",
            "object": "realtime.response",
            "status": "in_progress",
            "output": [],
            "metadata": said["response"].get("metadata"),
        }
        usage = {"input_tokens": 11, "output_tokens": 4, "total_tokens": 15}
        part = {"type": "audio", "transcript": ""}
        for event in (
            {"type": "response.created", "response": response},
            {"type": "response.output_item.added", "item": item, **ids},
            {"type": "response.content_part.added", "part": part, **ids},
            {"type": "response.output_audio_transcript.delta", "delta": SAID, **ids},
            {"type": "response.output_audio.delta", "delta": base64.b64encode(SOUND).decode(), **ids},
            {"type": "response.output_audio.done", **ids},
            {"type": "response.output_item.done", "item": {**item, "status": "completed"}, **ids},
            {"type": "response.done", "response": {**response, "status": "completed", "usage": usage}},
        ):
            await socket.send_json({"event_id": "e", **event})
