"""A chat completion as a client asks for it, and as the model behind is asked.

Only what the model understands is passed on: a parameter made for the vendor's models is no reason to fail.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import ApiError

# The sandbox's own defaults, where the client gives none: cool, and averse to saying a thing twice.
TEMPERATURE = 0.2
REPEAT_PENALTY = 1.1
CALL_MAX_TOKENS = 256

_PASSED_ON = (
    "temperature",
    "top_p",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "response_format",
)


class StreamOptions(BaseModel):
    include_usage: bool = False


class ChatRequest(BaseModel):
    model_config = ConfigDict(extra="allow")

    model: str = Field(min_length=1)
    messages: list[dict[str, Any]] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)

    @property
    def wants_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def must_call(self) -> list[dict[str, Any]]:
        """The tools of which one has to be called; empty where the model may choose to speak."""
        tools = self.tools or []
        if self.tool_choice == "required":
            return tools
        if isinstance(self.tool_choice, dict):
            name = (self.tool_choice.get("function") or {}).get("name")
            chosen = [tool for tool in tools if (tool.get("function") or {}).get("name") == name]
            if not chosen:
                raise ApiError(400, f"tool_choice names {name!r}, which is not in tools.", param="tool_choice")
            return chosen
        return []


def parse_chat_request(body: Any) -> ChatRequest:
    try:
        return ChatRequest.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise ApiError(400, f"Invalid value for {where}: {first['msg']}.", param=where) from None


def model_body(request: ChatRequest, default_max_tokens: int) -> dict[str, Any]:
    """What the model is asked; always a stream, with its usage at the end."""
    extra = request.model_extra or {}
    limit = request.max_completion_tokens or request.max_tokens
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": TEMPERATURE,
        "repeat_penalty": REPEAT_PENALTY,
        "max_tokens": limit or default_max_tokens,
    }
    body.update({name: extra[name] for name in _PASSED_ON if extra.get(name) is not None})
    obliged = request.must_call
    if obliged:
        # The model's own grammar for tools lets it speak first, and one this small then never stops.
        body["chat_template_kwargs"] = {"obliged_tools": obliged}
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": call_schema(obliged)}}
        body["max_tokens"] = limit or CALL_MAX_TOKENS
    elif request.tools and request.tool_choice != "none":
        body["tools"] = request.tools
        body["tool_choice"] = "auto"
    return body


def call_schema(tools: list[dict[str, Any]]) -> dict[str, Any]:
    """The JSON schema of a call of one of the tools."""
    calls = []
    for tool in tools:
        function = tool.get("function") or {}
        properties = {
            "name": {"const": function.get("name", "")},
            "arguments": function.get("parameters") or {"type": "object"},
        }
        calls.append({"type": "object", "properties": properties, "required": ["name", "arguments"]})
    return calls[0] if len(calls) == 1 else {"anyOf": calls}


def _message(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "role": "system"} if message.get("role") == "developer" else message
