"""A plugin that runs elsewhere: each message is posted there, signed, and the answer says how it goes on.

Signature: the header `X-Voiceagent-Signature` is `sha256=` and the hexadecimal HMAC-SHA256, with the Secret's
WEBHOOK_SECRET as key, of the header `X-Voiceagent-Timestamp`, a full stop, and the body's bytes.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
from voiceagent_api.agent_config import PluginConfig

from voiceagent_worker.credentials import read_webhook_secret
from voiceagent_worker.errors import PluginError
from voiceagent_worker.logs import Redactor
from voiceagent_worker.plugins.context import PluginContext
from voiceagent_worker.plugins.interface import AgentPlugin

TIMESTAMP: Final = "X-Voiceagent-Timestamp"
SIGNATURE: Final = "X-Voiceagent-Signature"
MAX_ANSWER_BYTES: Final = 256 * 1024
UNCHANGED: Final = 204


class Webhook(AgentPlugin):
    """Posts messages to an address. One connection is kept for the call."""

    def __init__(
        self,
        name: str,
        url: str,
        timeout_seconds: float,
        secret: bytes | None = None,
        settings: dict[str, Any] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`settings` are sent with each message; `now` tells seconds since 1970."""
        self._name = name
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._secret = secret
        self._settings = settings or {}
        self._now = now
        self._client: aiohttp.ClientSession | None = None

    @classmethod
    def from_config(cls, config: PluginConfig, redactor: Redactor) -> "Webhook":
        """Reads the secret. Raises ConfigurationError."""
        if config.webhook is None:
            raise PluginError(f'The plugin "{config.name}" has no webhook.')
        secret = None
        if config.webhook.secret_path is not None:
            text = read_webhook_secret(config.name, Path(config.webhook.secret_path))
            redactor.add(text)
            secret = text.encode()
        return cls(config.name, config.webhook.url, config.timeout_milliseconds / 1000, secret, config.config)

    def get_name(self) -> str:
        """As the agent's spec names it."""
        return self._name

    def is_enabled(self) -> bool:
        """Always."""
        return True

    async def process_message(self, message: str, context: PluginContext) -> str:
        """What the answer says."""
        body = json.dumps(
            {
                "plugin": self._name,
                "direction": context.direction,
                "message": message,
                "session": context.session,
                "room": context.room,
                "agent": context.agent,
                "caller": context.caller,
                "language": context.language,
                "turn": context.turn,
                "config": self._settings,
            },
            ensure_ascii=False,
        ).encode()
        try:
            return await self._post(body, message)
        except aiohttp.ClientError as error:
            # its text holds the address, which may hold what nobody else should read
            raise PluginError(f"its address could not be asked ({type(error).__name__})") from error

    async def on_session_end(self, context: PluginContext) -> None:
        """Hang up."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _post(self, body: bytes, message: str) -> str:
        if self._client is None:
            self._client = aiohttp.ClientSession(timeout=self._timeout, trust_env=True)
        headers = {"Content-Type": "application/json", **signed(body, self._secret, int(self._now()))}
        async with self._client.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
            if answer.status == UNCHANGED:
                return message
            if answer.status != 200:
                raise PluginError(f"its address answered with HTTP status {answer.status}")
            data = await _read(answer)
        return replied(data, message)


def signed(body: bytes, secret: bytes | None, timestamp: int) -> dict[str, str]:
    """The headers that say when a body was sent and by whom."""
    if secret is None:
        return {TIMESTAMP: str(timestamp)}
    digest = hmac.new(secret, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {TIMESTAMP: str(timestamp), SIGNATURE: f"sha256={digest}"}


def replied(data: bytes, message: str) -> str:
    """The message that an answer gives: its own without the field `message`. Raises PluginError."""
    if not data.strip():
        return message
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise PluginError("its address answered with what is not JSON") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("message", ""), str):
        raise PluginError('its address must answer with a JSON object like {"message": "text"}')
    text: str = answer.get("message", message)
    return text


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for part in answer.content.iter_chunked(16 * 1024):
        data += part
        if len(data) > MAX_ANSWER_BYTES:
            raise PluginError(f"its address answered with more than {MAX_ANSWER_BYTES} bytes")
        await asyncio.sleep(0)
    return bytes(data)
