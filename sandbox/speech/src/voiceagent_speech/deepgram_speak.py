"""Deepgram's `/v1/speak`: a WebSocket that text is pushed into, and POST for a text in whole.

On the socket, a sentence is spoken as soon as it is complete; `Flush` speaks the rest and is answered by
`Flushed` after the last of its sound, `Clear` throws away what has not been spoken yet.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from enum import Enum

from aiohttp import WSMsgType, web

from . import deepgram_messages as messages
from .answer import HttpAnswer, Socket
from .context import CONTEXT, Context
from .deepgram_listen import first_to_end
from .deepgram_options import SpeakOptions, speak_options
from .encoders import Encoder, deepgram_encoder
from .errors import ApiError
from .journal import Record
from .openai_chat import read_json
from .sentences import SentenceBuffer, split_sentences

_TEXT_LIMIT = 2000
_FRAME_BYTES = 8192
_WAITING_ITEMS = 256


async def speak_whole(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    options = speak_options(request.query, stream=False)
    body = await read_json(request)
    text = body.get("text") if isinstance(body, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise ApiError(400, "The body must be JSON with a text that is not empty.")
    if len(text) > _TEXT_LIMIT:
        raise ApiError(413, f"Input text exceeds maximum character limit of {_TEXT_LIMIT}.")
    with context.record("tts", request, options.model) as record, context.tts.gate.admit():
        record.text = text
        encoder = _encoder(options, context)
        answer = HttpAnswer(request, encoder.content_type)
        for sentence in split_sentences(text):
            await answer.write(encoder.encode(await context.tts.say(sentence, speed=options.speed)))
            record.first_byte()
        await answer.write(encoder.finish())
        return await answer.finish()


async def speak_stream(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    options = speak_options(request.query, stream=True)
    request_id = str(uuid.uuid4())
    _encoder(options, context)  # what cannot be made is refused before the upgrade
    socket = Socket(request, "tts", context.faults)
    socket.ws.headers["dg-request-id"] = request_id
    context.sockets.add(socket.ws)
    speaker = _Speaker(request, context, options, socket)
    try:
        await socket.open()
        await socket.send_json(messages.speak_metadata(request_id))
        await first_to_end(speaker.run(), _read(socket, speaker))
    except ApiError as error:
        await socket.fail(error)
    except ConnectionError:
        pass  # the client left while something was being sent to it
    finally:
        context.sockets.discard(socket.ws)
    return socket.ws


def _encoder(options: SpeakOptions, context: Context) -> Encoder:
    voice_rate = context.tts.rate or 22050
    return deepgram_encoder(options.encoding, options.container, options.sample_rate, voice_rate)


class _Mark(Enum):
    FLUSH = "flush"
    CLEAR = "clear"


class _Speaker:
    """What one socket is to say: sentences in order, and the marks between them."""

    def __init__(self, request: web.Request, context: Context, options: SpeakOptions, socket: Socket) -> None:
        self._request, self._context, self._options, self._socket = request, context, options, socket
        self._text = SentenceBuffer()
        self._waiting: asyncio.Queue[str | _Mark] = asyncio.Queue(_WAITING_ITEMS)
        self._clears = 0
        self._flushes = 0
        self._idle = asyncio.Event()

    async def push(self, text: str) -> None:
        if len(self._text) + len(text) > _TEXT_LIMIT:
            warning = f"The text waiting for a flush exceeds {_TEXT_LIMIT} characters."
            await self._socket.send_json(messages.warning(warning, "EXCESSIVE_CHARACTER_COUNT"))
            return
        for sentence in self._text.push(text):
            await self._put(sentence)

    async def flush(self) -> None:
        for sentence in self._text.flush():
            await self._put(sentence)
        await self._put(_Mark.FLUSH)

    async def clear(self) -> None:
        self._clears += 1
        self._text.clear()
        while not self._waiting.empty():
            self._waiting.get_nowait()
        await self._put(_Mark.CLEAR)
        await self._socket.send_json(messages.cleared(self._flushes))

    async def finish(self) -> None:
        """Wait until everything that was pushed has been said."""
        if len(self._text):
            await self.flush()
        await self._idle.wait()

    async def run(self) -> None:
        while True:
            item = await self._next()
            if item is _Mark.FLUSH:
                await self._flushed()
            elif isinstance(item, str):
                record = self._context.record("tts", self._request, self._options.model)
                with record, self._context.tts.gate.admit():
                    await self._utterance(item, record)

    async def _utterance(self, item: str | _Mark, record: Record) -> None:
        """All up to the next flush, in one piece of sound."""
        await self._socket.begin_utterance()
        record.details["fault"] = self._socket.fault
        encoder = _encoder(self._options, self._context)
        clears = self._clears
        while isinstance(item, str):
            record.text = f"{record.text} {item}".strip()
            sound = encoder.encode(await self._context.tts.say(item, speed=self._options.speed))
            if clears == self._clears:
                await self._send(sound)
                record.first_byte()
            item = await self._next()
        if item is _Mark.CLEAR:
            record.outcome = "cleared"
            return
        await self._send(encoder.finish())
        await self._flushed()

    async def _flushed(self) -> None:
        await self._socket.send_json(messages.flushed(self._flushes))
        self._flushes += 1

    async def _put(self, item: str | _Mark) -> None:
        self._idle.clear()
        await self._waiting.put(item)

    async def _next(self) -> str | _Mark:
        if self._waiting.empty():
            self._idle.set()
        return await self._waiting.get()

    async def _send(self, sound: bytes) -> None:
        for at in range(0, len(sound), _FRAME_BYTES):
            await self._socket.send_bytes(sound[at : at + _FRAME_BYTES])


async def _read(socket: Socket, speaker: _Speaker) -> None:
    async for message in socket.ws:
        if message.type is not WSMsgType.TEXT:
            continue
        try:
            asked = json.loads(message.data)
            kind = asked["type"]
        except (ValueError, KeyError, TypeError):
            raise ApiError(400, "Could not parse the message: it must be JSON with a type.") from None
        if kind == "Speak":
            await speaker.push(str(asked.get("text", "")))
        elif kind == "Flush":
            await speaker.flush()
        elif kind == "Clear":
            await speaker.clear()
        elif kind == "Close":
            await speaker.finish()
            await socket.ws.close()
            return
        else:
            raise ApiError(400, f"Unknown message type {kind!r}.")
