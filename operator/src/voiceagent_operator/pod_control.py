"""Tells worker pods to take no more calls, or to take them again, with the token that only they and we know."""

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
from voiceagent_api.names import CONTROL_TOKEN_KEY, control_secret_name

from voiceagent_operator.client import Client
from voiceagent_operator.kinds import SECRET
from voiceagent_operator.objects import Key
from voiceagent_operator.pods import PodView
from voiceagent_operator.together import all_of

logger = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 2.0


class PodControl:
    """The one who speaks to pods; what came of it their next reading tells."""

    def __init__(self, client: Client, http: aiohttp.ClientSession, ask_again: Callable[[Key], None]) -> None:
        """`ask_again` is called with a pod whose state has changed by what it was told."""
        self._client = client
        self._http = http
        self._ask_again = ask_again

    async def tell(self, agent: Key, drain: tuple[PodView, ...], resume: tuple[PodView, ...]) -> None:
        """Tell some pods to take no more calls, and some to take calls again. Raises ApiError.

        A pod that cannot be told is asked again, and told again when it answers.
        """
        if not drain and not resume:
            return
        token = await self._token(agent)
        if token is None:
            return
        told: list[Awaitable[None]] = [self._send("POST", pod, token) for pod in drain]
        await all_of([*told, *(self._send("DELETE", pod, token) for pod in resume)])

    async def _token(self, agent: Key) -> str | None:
        secret = await self._client.find(SECRET, agent.namespace, control_secret_name(agent.name))
        value = ((secret or {}).get("data") or {}).get(CONTROL_TOKEN_KEY)
        return base64.b64decode(value).decode().strip() if value else None

    async def _send(self, method: str, pod: PodView, token: str) -> None:
        if pod.address is None:
            return
        url, headers = f"http://{pod.address}/drain", {"Authorization": f"Bearer {token}"}
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._http.request(method, url, headers=headers) as answer:
                answer.raise_for_status()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            told = str(error) or type(error).__name__
            logger.warning("a worker pod cannot be told", extra={"pod": str(pod.place), "told": method, "error": told})
        else:
            logger.info("pod drains" if method == "POST" else "pod takes calls again", extra={"pod": str(pod.place)})
        self._ask_again(pod.place)
