"""`POST /v1/chat/completions`: from the model, or from the script where one is in force."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from .answer import HttpAnswer, send_json
from .chat_chunks import DONE, Chunk, Folded, has_tool_call, obliged_call, presented, scripted, sse, text_in
from .chat_request import ChatRequest, model_body, parse_chat_request
from .context import CONTEXT, Context
from .errors import ApiError, openai_body
from .journal import Record


async def chat_completions(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    asked = parse_chat_request(await read_json(request))
    with context.record("llm", request, asked.model) as record, context.llm.gate.admit():
        record.details["messages"] = asked.messages
        folded = Folded(asked.model)
        chunks = _noted(_chunks(context, asked, record), folded, record)
        try:
            if asked.stream:
                return await _stream(request, asked, chunks)
            async for _ in chunks:
                pass
            return await send_json(request, folded.completion())
        finally:
            record.text = folded.text
            record.details |= {"tool_calls": folded.tool_calls, "usage": folded.usage}
            record.details["finish_reason"] = folded.finish_reason


async def read_json(request: web.Request) -> Any:
    try:
        return await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ApiError(400, "We could not parse the JSON body of your request.") from None


async def _stream(request: web.Request, asked: ChatRequest, chunks: AsyncIterator[Chunk]) -> web.StreamResponse:
    answer = HttpAnswer(request, "text/event-stream; charset=utf-8")
    begun = False
    try:
        async for chunk in chunks:
            if chunk.get("choices") or asked.wants_usage:
                begun = True
                await answer.write(sse(chunk))
    except ApiError as error:
        # Once the stream has begun its status is sent: the failure can only be told inside it.
        if not begun:
            raise
        await answer.write(sse(openai_body(error)))
    await answer.write(DONE)
    return await answer.finish()


async def _noted(chunks: AsyncIterator[Chunk], folded: Folded, record: Record) -> AsyncIterator[Chunk]:
    async for chunk in chunks:
        folded.add(chunk)
        if text_in(chunk) or has_tool_call(chunk):
            record.first_byte()
        yield chunk


async def _chunks(context: Context, asked: ChatRequest, record: Record) -> AsyncIterator[Chunk]:
    reply = context.script.reply_to(asked.messages) if context.script else None
    record.details["scripted"] = reply is not None
    if reply is not None:
        for chunk in scripted(reply, asked.model, asked.messages):
            yield chunk
        return
    body = model_body(asked, context.settings.llm_max_tokens)
    if not asked.must_call:
        async for chunk in context.llm.stream(body):
            yield presented(chunk, asked.model)
        return
    written = Folded(asked.model)
    async for chunk in context.llm.stream(body):
        written.add(chunk)
    for chunk in obliged_call(written.text, asked.model, written.usage, written.finish_reason):
        yield chunk
