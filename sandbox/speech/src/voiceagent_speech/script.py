"""The scripted mode: chat completions answered from a list that a test has put, not from the model. Where the test
asks for it, speech is not recognised either, and each sentence is spoken by the voice once and then played again: so
a small machine can carry more calls than its models could.

It is separate from everything else, off unless the server was started with `SPEECH_ALLOW_SCRIPT=1`, and lasts
from `PUT /sandbox/script` to `DELETE /sandbox/script`. A request that no line matches goes to the model.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class ScriptedCall(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    arguments: dict[str, Any] = Field(default_factory=dict)

    def as_tool_call(self) -> dict[str, Any]:
        return {
            "id": f"call_{uuid.uuid4().hex[:24]}",
            "type": "function",
            "function": {"name": self.name, "arguments": json.dumps(self.arguments)},
        }


class Reply(BaseModel):
    """What to answer when the newest message matches; `match: null` matches every message."""

    model_config = ConfigDict(extra="forbid")

    match: str | None = None
    say: str | None = None
    tool_call: ScriptedCall | None = None

    @field_validator("match")
    @classmethod
    def _is_a_regular_expression(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is not a regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _says_or_calls(self) -> Reply:
        if (self.say is None) == (self.tool_call is None):
            raise ValueError("give either say or tool_call")
        return self

    def fits(self, text: str, *, from_tool: bool) -> bool:
        # A tool's result is the newest message after a call: calling again on it would never end.
        if self.tool_call is not None and from_tool:
            return False
        return self.match is None or re.search(self.match, text, re.IGNORECASE) is not None


class Script(BaseModel):
    model_config = ConfigDict(extra="forbid")

    replies: list[Reply] = Field(default_factory=list, max_length=200)
    hears: str | None = Field(default=None, min_length=1, max_length=1000)
    """What every utterance is taken for, in place of the model's recognition."""
    keep_voice: bool = False
    """Whether a sentence that was spoken before is played again."""

    def reply_to(self, messages: list[dict[str, Any]]) -> Reply | None:
        """The first reply that fits the newest message of the caller or of a tool."""
        heard = [message for message in messages if message.get("role") in {"user", "tool"}]
        text = text_of(heard[-1]) if heard else ""
        from_tool = bool(heard) and heard[-1].get("role") == "tool"
        return next((reply for reply in self.replies if reply.fits(text, from_tool=from_tool)), None)


def text_of(message: dict[str, Any]) -> str:
    """A message's words, whether its content is a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""
