"""`POST /v1/audio/transcriptions`, `POST /v1/audio/speech` and `GET /v1/models`."""

from __future__ import annotations

import base64
import time
from typing import Any

from aiohttp import BodyPartReader, web
from pydantic import BaseModel, Field, ValidationError

from . import llm, moonshine, tts
from .answer import HttpAnswer, send_json, send_whole
from .audio import RECOGNITION_RATE, read_wav, resample
from .chat_chunks import sse
from .context import CONTEXT, Context
from .encoders import Encoder, openai_encoder
from .errors import ApiError
from .journal import Record
from .openai_chat import read_json
from .sentences import split_sentences
from .stt import Passage

_FORMATS = ("json", "verbose_json", "text")
_UPLOAD_LIMIT_BYTES = 25 * 1024 * 1024
_FIELD_LIMIT_BYTES = 64 * 1024


async def models(request: web.Request) -> web.StreamResponse:
    names = (llm.MODEL_NAME, moonshine.MODEL_NAME, tts.MODEL_NAME)
    data = [{"id": name, "object": "model", "created": 0, "owned_by": "sandbox"} for name in names]
    return await send_json(request, {"object": "list", "data": data})


async def transcriptions(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    fields, sound = await _read_form(request)
    model = fields.get("model", "")
    if not model:
        raise ApiError(400, "you must provide a model parameter", param="model")
    response_format = fields.get("response_format", "json")
    if response_format not in _FORMATS:
        raise ApiError(400, f"response_format {response_format!r} is not one of {_FORMATS}.", param="response_format")
    samples, rate = read_wav(sound)
    duration = len(samples) / rate
    with context.record("stt", request, model) as record, context.stt.gate.admit():
        record.details["audio_seconds"] = round(duration, 3)
        passages = await context.stt.transcribe_recording(resample(samples, rate, RECOGNITION_RATE))
        record.text = text = " ".join(passage.text for passage in passages)
        record.first_byte()
        if response_format == "text":
            return await send_whole(request, f"{text}\n".encode(), "text/plain; charset=utf-8")
        if response_format == "verbose_json":
            return await send_json(request, _verbose(text, duration, passages))
        usage = {"type": "duration", "seconds": round(duration)}
        return await send_json(request, {"text": text, "usage": usage})


async def _read_form(request: web.Request) -> tuple[dict[str, str], bytes]:
    if not request.content_type.startswith("multipart/"):
        raise ApiError(400, "Send the sound as multipart/form-data, in a field named file.")
    fields: dict[str, str] = {}
    sound: bytes | None = None
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        limit = _UPLOAD_LIMIT_BYTES if part.name == "file" else _FIELD_LIMIT_BYTES
        data = bytearray()
        while piece := await part.read_chunk(65536):
            data += piece
            if len(data) > limit:
                raise ApiError(413, f"The field {part.name} is over the limit of {limit} bytes.", param=part.name)
        if part.name == "file":
            sound = bytes(data)
        elif part.name:
            fields[part.name] = data.decode(errors="replace")
    if sound is None:
        raise ApiError(400, "The field file is missing.", param="file")
    return fields, sound


def _verbose(text: str, duration: float, passages: list[Passage]) -> dict[str, Any]:
    segments = [
        {
            "id": number,
            "seek": 0,
            "start": round(passage.start, 2),
            "end": round(passage.end, 2),
            "text": passage.text,
            "tokens": [],
            "temperature": 0.0,
            "avg_logprob": 0.0,
            "compression_ratio": 1.0,
            "no_speech_prob": 0.0,
        }
        for number, passage in enumerate(passages)
    ]
    return {
        "task": "transcribe",
        "language": "english",
        "duration": round(duration, 3),
        "text": text,
        "segments": segments,
        "usage": {"type": "duration", "seconds": round(duration)},
    }


class SpeechRequest(BaseModel):
    model: str = Field(min_length=1)
    input: str = Field(max_length=4096)
    voice: str | dict[str, Any] = "alloy"
    response_format: str = "mp3"
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    stream_format: str = Field(default="audio", pattern="^(audio|sse)$")


async def speech(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    try:
        asked = SpeechRequest.model_validate(await read_json(request))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ApiError(400, f"Invalid value for {where}: {first['msg']}.", param=where) from None
    with context.record("tts", request, asked.model) as record, context.tts.gate.admit():
        record.text = asked.input
        encoder = openai_encoder(asked.response_format, context.tts.rate or 22050)
        if asked.stream_format == "sse":
            return await _speak_events(request, context, asked, encoder, record)
        answer = HttpAnswer(request, encoder.content_type)
        for sentence in split_sentences(asked.input):
            await answer.write(encoder.encode(await context.tts.say(sentence, speed=asked.speed)))
            record.first_byte()
        await answer.write(encoder.finish())
        return await answer.finish()


async def _speak_events(
    request: web.Request, context: Context, asked: SpeechRequest, encoder: Encoder, record: Record
) -> web.StreamResponse:
    answer = HttpAnswer(request, "text/event-stream; charset=utf-8")
    began = time.monotonic()
    for sentence in split_sentences(asked.input):
        await answer.write(_audio_event(encoder.encode(await context.tts.say(sentence, speed=asked.speed))))
        record.first_byte()
    await answer.write(_audio_event(encoder.finish()))
    words = len(asked.input.split())
    # The vendor counts its own tokens; here the words and the tenths of seconds of making stand for them.
    made = max(1, round((time.monotonic() - began) * 10))
    usage = {"input_tokens": words, "output_tokens": made, "total_tokens": words + made}
    await answer.write(sse({"type": "speech.audio.done", "usage": usage}))
    return await answer.finish()


def _audio_event(data: bytes) -> bytes:
    return sse({"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()}) if data else b""
