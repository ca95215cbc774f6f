"""Cohere's language models, by Cohere's own chat API (v2) over HTTP.

LiveKit has no plugin for it. Cohere's OpenAI-compatible endpoint refuses `stream_options`, which LiveKit's OpenAI
plugin always sends and which usage is counted by. Cohere's SDK brings 43 MB of tokenizers and model hub for one POST,
passes over events that it does not understand, and writes them, with what was said, to the root log. So the API is
spoken here: one POST, answered by server-sent events.

`baseURL` is the root of the API, without /v2, as in https://api.cohere.com.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
    NotGivenOr,
    llm,
    utils,
)
from livekit.agents.llm import ToolChoice
from voiceagent_api.agent_config import ProviderConfig

from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.options import checked_options, root

ROOT: Final = "https://api.cohere.com"
LARGEST_EVENT_BYTES: Final = 1024 * 1024
TOOL_CHOICES: Final[dict[str, str | None]] = {"required": "REQUIRED", "none": "NONE", "auto": None}
"""What Cohere calls them; it chooses by itself where nothing is said."""


def build_llm(config: ProviderConfig, language: str, credentials: ProviderCredentials) -> "CohereLLM":
    """The language model; it learns the language from the instructions and the talk."""
    options = checked_options("llm", config)
    return CohereLLM(config.model, credentials.api_key, root(config) or ROOT, options)


class CohereLLM(llm.LLM[Any]):
    """A model of Cohere."""

    def __init__(
        self,
        model: str,
        api_key: str,
        base_url: str,
        options: dict[str, Any],
        http_session: aiohttp.ClientSession | None = None,
    ) -> None:
        """`options` are further fields of the request; `http_session` is by default that of the call."""
        super().__init__()
        self._model = model
        self._api_key = api_key
        self._base_url = base_url
        self._options = {name: value for name, value in options.items() if name != "tool_choice"}
        self._tool_choice: ToolChoice | None = options.get("tool_choice")
        self._http = http_session

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    @property
    def provider(self) -> str:
        """Who serves it."""
        return "Cohere"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> "CohereStream":
        """An answer to a conversation. Cohere has no switch for parallel tool calls."""
        wanted = tool_choice if utils.is_given(tool_choice) else self._tool_choice
        more = extra_kwargs if utils.is_given(extra_kwargs) else {}
        request = {"model": self._model, "stream": True, **self._options, **more}
        offered = list(tools or [])
        schemas = llm.ToolContext(offered).parse_function_tools("openai", strict=False)
        if isinstance(wanted, dict):
            # one tool by name: it alone is offered, and it is to be called
            name = wanted["function"]["name"]
            schemas = [schema for schema in schemas if schema["function"]["name"] == name]
            wanted = "required"
        if schemas:
            request["tools"] = schemas
            if wanted is not None and TOOL_CHOICES[wanted]:
                request["tool_choice"] = TOOL_CHOICES[wanted]
        return CohereStream(self, request, chat_ctx=chat_ctx, tools=offered, conn_options=conn_options)

    def open(self, request: dict[str, Any], options: APIConnectOptions) -> Any:
        """The request's answer, to be entered with `async with`."""
        http = self._http or utils.http_context.http_session()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=options.timeout, sock_read=options.timeout)
        headers = {"Authorization": f"Bearer {self._api_key}", "Accept": "text/event-stream"}
        return http.post(f"{self._base_url}/v2/chat", json=request, headers=headers, timeout=timeout)


@dataclass(slots=True)
class _ToolCall:
    id: str
    name: str
    arguments: str


class CohereStream(llm.LLMStream):
    """One answer, as it comes."""

    def __init__(
        self,
        model: CohereLLM,
        request: dict[str, Any],
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(model, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)
        self._cohere = model
        self._request = request

    async def _run(self) -> None:
        retryable = True
        try:
            request = {**self._request, "messages": messages_of(self._chat_ctx)}
            async with self._cohere.open(request, self._conn_options) as answer:
                if answer.status != 200:
                    raise await _status_error(answer)
                reader = _Reader()
                async for event in _events(answer):
                    for chunk in reader.read(event):
                        retryable = retryable and not chunk.has_response()
                        self._event_ch.send_nowait(chunk)
                if not reader.ended:
                    raise APIConnectionError("The answer of Cohere broke off.", retryable=retryable)
        except APIError:
            raise
        except TimeoutError as error:
            raise APITimeoutError(retryable=retryable) from error
        except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError) as error:
            # also an answer that is no answer; its words are not shown
            raise APIConnectionError(
                f"No sound answer of Cohere ({type(error).__name__}).", retryable=retryable
            ) from error


class _Reader:
    """Makes livekit-agents' chunks of Cohere's events."""

    def __init__(self) -> None:
        self.ended = False
        self._id = utils.shortuuid("cohere_")
        self._call: _ToolCall | None = None

    def read(self, event: dict[str, Any]) -> list[llm.ChatChunk]:
        """The chunks of an event. Raises KeyError or TypeError where it is not as it should be."""
        match event["type"]:
            case "message-start":
                self._id = event.get("id") or self._id
            case "content-delta":
                # what a reasoning model thinks has no text of this kind, and is not to be spoken
                text = event["delta"]["message"]["content"].get("text")
                return [self._chunk(content=text)] if text else []
            case "tool-call-start":
                call = event["delta"]["message"]["tool_calls"]
                self._call = _ToolCall(call["id"], call["function"]["name"], call["function"].get("arguments") or "")
            case "tool-call-delta" if self._call is not None:
                self._call.arguments += event["delta"]["message"]["tool_calls"]["function"]["arguments"]
            case "tool-call-end" if self._call is not None:
                call, self._call = self._call, None
                json.loads(call.arguments or "{}")
                done = llm.FunctionToolCall(name=call.name, arguments=call.arguments or "{}", call_id=call.id)
                return [self._chunk(tool_calls=[done])]
            case "message-end":
                return self._end(event["delta"])
        return []

    def _end(self, delta: dict[str, Any]) -> list[llm.ChatChunk]:
        if delta.get("finish_reason") in ("ERROR", "TIMEOUT"):
            raise APIConnectionError("Cohere gave up on the answer.")
        self.ended = True
        tokens = (delta.get("usage") or {}).get("tokens") or {}
        prompt, completion = int(tokens.get("input_tokens") or 0), int(tokens.get("output_tokens") or 0)
        usage = llm.CompletionUsage(
            prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion
        )
        return [llm.ChatChunk(id=self._id, usage=usage)]

    def _chunk(self, content: str | None = None, tool_calls: list[llm.FunctionToolCall] | None = None) -> llm.ChatChunk:
        delta = llm.ChoiceDelta(role="assistant", content=content, tool_calls=tool_calls or [])
        return llm.ChatChunk(id=self._id, delta=delta)


def messages_of(context: llm.ChatContext) -> list[dict[str, Any]]:
    """A conversation in Cohere's form, which is OpenAI's but for what it does not take. Pure."""
    messages, _ = context.to_provider_format(format="openai")
    return [_message(dict(message)) for message in messages]


def _message(message: dict[str, Any]) -> dict[str, Any]:
    message.pop("extra_content", None)
    if message["role"] == "developer":
        message["role"] = "system"
    if message.get("tool_calls"):
        message["tool_calls"] = [
            {name: call[name] for name in ("id", "type", "function")} for call in message["tool_calls"]
        ]
    return message


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """Server-sent events, each one line of data. Raises ValueError for what is none."""
    rest = b""
    async for piece in answer.content.iter_any():
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LARGEST_EVENT_BYTES:
            raise ValueError("an event without an end")
        for line in lines:
            field, _, data = line.strip().partition(b":")
            if field == b"data" and data.strip() != b"[DONE]":
                event = json.loads(data)
                if not isinstance(event, dict):
                    raise ValueError("an event that is no object")
                yield event


async def _status_error(answer: aiohttp.ClientResponse) -> APIStatusError:
    """What a refusal says. The error keeps the headers, for when to ask again."""
    error = APIStatusError(
        "Cohere refused the request.", status_code=answer.status, request_id=answer.headers.get("x-request-id")
    )
    error.__cause__ = aiohttp.ClientResponseError(
        answer.request_info, answer.history, status=answer.status, headers=answer.headers
    )
    return error
