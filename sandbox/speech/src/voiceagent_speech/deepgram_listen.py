"""Deepgram's `/v1/listen`: a WebSocket for a stream, POST for a recording."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Coroutine
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from . import deepgram_messages as messages
from .answer import Socket, send_json
from .audio import RAW_DECODERS, RECOGNITION_RATE, Samples, mix_down, read_wav, resample
from .context import CONTEXT, Context
from .deepgram_options import ListenOptions, listen_options
from .errors import ApiError
from .listen_session import FinalResult, ListenSession

# The vendor closes a stream on which nothing came for this long; the plugin sends KeepAlive every 5 s.
IDLE_LIMIT_SECONDS = 12.0


async def listen_stream(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    options = _options(request, context)
    request_id = str(uuid.uuid4())
    socket = Socket(request, "stt", context.faults)
    socket.ws.headers["dg-request-id"] = request_id
    with context.stt.streams.admit():
        context.sockets.add(socket.ws)
        session = ListenSession(
            options,
            request_id,
            transcribe=context.stt.transcribe,
            model_is_free=lambda: context.stt.gate.has_free_turn,
            send=socket.send_json,
            begin_utterance=socket.begin_utterance,
            on_final=lambda final: _note(context, request, options, final, socket.fault),
            interim_seconds=context.settings.interim_seconds,
        )
        try:
            await socket.open()
            await first_to_end(session.run(), _read(socket, session, request_id))
        except ApiError as error:
            await socket.fail(error)
        except ConnectionError:
            pass  # the client left while something was being sent to it
        finally:
            context.sockets.discard(socket.ws)
    return socket.ws


async def listen_recording(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    options = _options(request, context)
    request_id = str(uuid.uuid4())
    samples, rate = _decode(request.content_type, await request.read(), options)
    duration = len(samples) / rate
    with context.record("stt", request, options.model) as record, context.stt.gate.admit():
        record.details["audio_seconds"] = round(duration, 3)
        passages = await context.stt.transcribe_recording(resample(samples, rate, RECOGNITION_RATE))
        record.text = " ".join(passage.text for passage in passages)
        record.first_byte()
        heard = [(passage.start, passage.end, passage.text) for passage in passages]
        return await send_json(request, messages.prerecorded(request_id, heard, duration, punctuate=options.punctuate))


async def first_to_end(*work: Coroutine[Any, Any, None]) -> None:
    """Run these side by side; when the first one ends or fails, the others are cancelled."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _read(socket: Socket, session: ListenSession, request_id: str) -> None:
    """Take what the client sends until it closes the stream or goes silent."""
    while True:
        try:
            message = await socket.ws.receive(timeout=IDLE_LIMIT_SECONDS)
        except TimeoutError:
            reason = b"Deepgram did not receive audio data or a text message within the timeout window."
            await socket.ws.close(code=WSCloseCode.INTERNAL_ERROR, message=reason)
            return
        if message.type is WSMsgType.BINARY:
            await session.feed(message.data)
        elif message.type is WSMsgType.TEXT:
            if await _control(message.data, session):
                await socket.send_json(messages.listen_metadata(request_id, session.duration))
                await socket.ws.close()
                return
        else:
            return


async def _control(text: str, session: ListenSession) -> bool:
    """Do what a text message says; true when it closes the stream."""
    try:
        kind = json.loads(text)["type"]
    except (ValueError, KeyError, TypeError):
        raise ApiError(400, "Could not parse the text message: it must be JSON with a type.") from None
    if kind in {"Finalize", "CloseStream"}:
        await session.finalize()
    elif kind != "KeepAlive":
        raise ApiError(400, f"Unknown message type {kind!r}.")
    return bool(kind == "CloseStream")


def _options(request: web.Request, context: Context) -> ListenOptions:
    least = context.settings.min_endpointing_milliseconds
    return listen_options(request.query, min_endpointing_milliseconds=least)


def _decode(content_type: str, body: bytes, options: ListenOptions) -> tuple[Samples, int]:
    if content_type == "application/json":
        raise ApiError(400, "The sandbox fetches no URLs: send the sound itself.")
    if not body:
        raise ApiError(400, "Bad Request: failed to process audio: corrupt or unsupported data")
    if body[:4] == b"RIFF":
        return read_wav(body)
    if content_type in {"audio/l16", "audio/raw", "audio/mulaw", "application/octet-stream"}:
        return mix_down(RAW_DECODERS[options.encoding](body), options.channels), options.sample_rate
    raise ApiError(400, "Bad Request: failed to process audio: corrupt or unsupported data")


def _note(
    context: Context, request: web.Request, options: ListenOptions, final: FinalResult, fault: str | None
) -> None:
    with context.record("stt", request, options.model) as record:
        record.text = final.text
        record.details = {
            "audio_seconds": round(final.end - final.start, 3),
            "after_speech_seconds": round(final.seconds, 4),
            "fault": fault,
        }
