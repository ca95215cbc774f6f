"""The answers of a chat completion on the wire: chunks of a stream, and the same folded into one object."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from .script import Reply

Chunk = dict[str, Any]

_KEPT = ("id", "object", "created", "choices", "usage", "system_fingerprint")
DONE = b"data: [DONE]\n\n"


def sse(payload: Chunk) -> bytes:
    return b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"


def presented(chunk: Chunk, model: str) -> Chunk:
    """A chunk from the model as the vendor would send it: the asked model's name, no timings."""
    return {**{name: chunk[name] for name in _KEPT if name in chunk}, "model": model}


def text_in(chunk: Chunk) -> str:
    return "".join(choice.get("delta", {}).get("content") or "" for choice in chunk.get("choices", []))


def has_tool_call(chunk: Chunk) -> bool:
    return any(choice.get("delta", {}).get("tool_calls") for choice in chunk.get("choices", []))


class ChunkMaker:
    """Chunks of one completion that this server writes itself."""

    def __init__(self, model: str) -> None:
        self._base = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }

    def delta(self, delta: dict[str, Any], finish_reason: str | None = None) -> Chunk:
        return {**self._base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    def usage(self, prompt_tokens: int, completion_tokens: int) -> Chunk:
        usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        }
        return {**self._base, "choices": [], "usage": usage}

    def tool_call(self, call: dict[str, Any]) -> list[Chunk]:
        role = {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **call}]}
        return [self.delta(role), self.delta({}, "tool_calls")]


def scripted(reply: Reply, model: str, messages: list[dict[str, Any]]) -> Iterator[Chunk]:
    """A scripted reply, streamed word by word as a model's would be."""
    maker = ChunkMaker(model)
    prompt_words = sum(len(str(message.get("content") or "").split()) for message in messages)
    if reply.tool_call is not None:
        yield from maker.tool_call(reply.tool_call.as_tool_call())
        yield maker.usage(prompt_words, 1)
        return
    words = (reply.say or "").split(" ")
    yield maker.delta({"role": "assistant", "content": ""})
    for place, word in enumerate(words):
        yield maker.delta({"content": word if place == 0 else f" {word}"})
    yield maker.delta({}, "stop")
    yield maker.usage(prompt_words, len(words))


def obliged_call(text: str, model: str, usage: dict[str, Any] | None, finish_reason: str) -> list[Chunk]:
    """The chunks of a call that the model wrote as JSON; as plain text where it was cut short."""
    maker = ChunkMaker(model)
    try:
        written = json.loads(text)
        function = {"name": str(written["name"]), "arguments": json.dumps(written["arguments"])}
    except (ValueError, KeyError, TypeError):
        chunks = [maker.delta({"role": "assistant", "content": text}), maker.delta({}, finish_reason)]
    else:
        call = {"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": function}
        chunks = maker.tool_call(call)
    tokens = usage or {}
    return [*chunks, maker.usage(tokens.get("prompt_tokens", 0), tokens.get("completion_tokens", 0))]


class Folded:
    """A completion put together from its chunks: for answers that are not streamed, and for the journal."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._first: Chunk = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self.text = ""
        self.finish_reason = "stop"
        self.usage: dict[str, Any] | None = None

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        return [self._calls[index] for index in sorted(self._calls)]

    def add(self, chunk: Chunk) -> None:
        self._first = self._first or chunk
        self.usage = chunk.get("usage") or self.usage
        self.text += text_in(chunk)
        for choice in chunk.get("choices", []):
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
            for part in choice.get("delta", {}).get("tool_calls") or []:
                self._add_call(part)

    def _add_call(self, part: dict[str, Any]) -> None:
        call = self._calls.setdefault(
            part.get("index", 0), {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        )
        call["id"] = part.get("id") or call["id"]
        function = part.get("function") or {}
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""

    def completion(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": self.text or None, "refusal": None}
        if self._calls:
            message["tool_calls"] = self.tool_calls
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason, "logprobs": None}
        return {
            "id": self._first.get("id", f"chatcmpl-{uuid.uuid4().hex}"),
            "object": "chat.completion",
            "created": self._first.get("created", int(time.time())),
            "model": self._model,
            "choices": [choice],
            "usage": self.usage,
        }
