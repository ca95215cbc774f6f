"""Asks worker pods for what is said in their calls, with the token of the agent's control Secret."""

import asyncio
import base64
import binascii
import time
from collections.abc import Callable, Mapping
from typing import Final

import aiohttp
from pydantic import ValidationError
from voiceagent_api.names import CONTROL_TOKEN_KEY, control_secret_name
from voiceagent_api.transcripts import TranscriptLines

from voiceagent_gateway.kube import Kube, KubeError
from voiceagent_gateway.model import PodRef
from voiceagent_gateway.transcripts.kept import Agent, TranscriptError

TIMEOUT_SECONDS: Final = 2.0
SECRET_SECONDS: Final = 3.0
KEPT_SECONDS: Final = 30.0
KEPT_MAX: Final = 1000
ANSWER_MAX_BYTES: Final = 4 * 1024 * 1024


class ControlTokens:
    """The tokens of agents' control Secrets, kept for half a minute at most."""

    def __init__(self, kube: Kube, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._clock = clock
        self._kept: dict[Agent, tuple[float, str]] = {}

    async def read(self, agent: Agent) -> str:
        """The token. Raises TranscriptError."""
        kept = self._kept.get(agent)
        if kept is not None and self._clock() - kept[0] < KEPT_SECONDS:
            return kept[1]
        self.forget(agent)
        namespace, name = agent
        secret = control_secret_name(name)
        path = f"/api/v1/namespaces/{namespace}/secrets/{secret}"
        try:
            found = await self._kube.get(path, timeout_seconds=SECRET_SECONDS)
            token = base64.b64decode(str((found.get("data") or {}).get(CONTROL_TOKEN_KEY, "")), validate=True).decode()
        except KubeError as error:
            raise TranscriptError(f'Secret "{secret}" in namespace "{namespace}" cannot be read: {error}') from error
        except (binascii.Error, UnicodeDecodeError):
            token = ""
        if not token.strip().isprintable() or not token.strip():
            raise TranscriptError(f'Secret "{secret}" in namespace "{namespace}" has no {CONTROL_TOKEN_KEY}')
        while len(self._kept) >= KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        self._kept[agent] = (self._clock(), token.strip())
        return token.strip()

    def forget(self, agent: Agent) -> None:
        """Read it anew next time."""
        self._kept.pop(agent, None)


class PodTranscripts:
    """One pod at a time."""

    def __init__(self, session: aiohttp.ClientSession, tokens: ControlTokens) -> None:
        self._session = session
        self._tokens = tokens

    async def after(self, pod: PodRef, position: int) -> TranscriptLines:
        """The lines since that position; those up to it count as kept. Raises TranscriptError."""
        return await self._lines(pod, {"after": str(position)})

    async def of(self, pod: PodRef, session: str, after: int = 0) -> TranscriptLines:
        """The lines of one call with a greater number than `after`. Raises TranscriptError."""
        return await self._lines(pod, {"session": session, "after": str(after)})

    async def erase(self, pod: PodRef, session: str) -> None:
        """Have the pod forget what is said in a call. Raises TranscriptError."""
        await self._ask("DELETE", pod, f"/transcripts/{session}", {})

    async def _lines(self, pod: PodRef, query: Mapping[str, str]) -> TranscriptLines:
        body = await self._ask("GET", pod, "/transcripts", query)
        try:
            # A worker of a version that holds none says so by 404.
            return TranscriptLines.model_validate_json(body) if body else TranscriptLines(process="")
        except ValidationError as error:
            # Without the error as its cause: that one quotes what was said.
            wrong = error.error_count()
        raise TranscriptError(f"the answer of pod {pod.name} is no transcript ({wrong} errors)")

    async def _ask(self, method: str, pod: PodRef, path: str, query: Mapping[str, str]) -> bytes:
        agent = (pod.namespace, pod.agent)
        token = await self._tokens.read(agent)
        host = f"[{pod.address}]" if ":" in pod.address else pod.address
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._session.request(
                    method,
                    f"http://{host}:{pod.port}{path}",
                    params=query,
                    headers={"Authorization": f"Bearer {token}"},
                    allow_redirects=False,
                ) as response,
            ):
                if response.status == 404:
                    return b""
                if response.status not in (200, 204):
                    self._tokens.forget(agent)
                    raise TranscriptError(f"pod {pod.name} answered {response.status}")
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > ANSWER_MAX_BYTES:
                        raise TranscriptError(f"the answer of pod {pod.name} has more than {ANSWER_MAX_BYTES} bytes")
                return bytes(body)
        except TimeoutError as error:
            raise TranscriptError(f"pod {pod.name} did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TranscriptError(f"pod {pod.name} cannot be reached: {type(error).__name__}") from error
