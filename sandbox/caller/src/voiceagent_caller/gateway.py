"""How the caller gets into a room: a token from the gateway, asked for again while the agent is busy."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from voiceagent_caller.errors import CallerMistake, CallFailed
from voiceagent_caller.web import make_client, refusal

_BUSY = (429, 503)
_DEFAULT_RETRY_SECONDS = 1.0
_REQUEST_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Ticket:
    """What is needed to join a room."""

    url: str
    token: str = field(repr=False)
    room: str
    identity: str


async def get_ticket(
    gateway: str,
    agent: str,
    room: str | None,
    *,
    timeout_seconds: float,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Ticket:
    """Asks for a token; when told that there is no room just now, asks again until the time is over."""
    deadline = time.monotonic() + timeout_seconds
    query = {"agent": agent} | ({"room": room} if room else {})
    async with _client(gateway, transport) as client:
        while True:
            response = await _ask(client, gateway, query, deadline)
            if response.status_code not in _BUSY:
                return _ticket(response, gateway, agent)
            pause = retry_after_seconds(response.headers.get("Retry-After"), datetime.now(UTC))
            if time.monotonic() + pause >= deadline:
                raise CallFailed(
                    f"No place for a call to {agent} within {timeout_seconds:g} s. "
                    f"The gateway says: {refusal(response)}"
                )
            await asyncio.sleep(pause)


def retry_after_seconds(header: str | None, now: datetime) -> float:
    """How long a server asks to be left alone: seconds, or the time until a date."""
    if not header:
        return _DEFAULT_RETRY_SECONDS
    try:
        return max(float(header), 0.1)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return _DEFAULT_RETRY_SECONDS
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.1)


def _client(gateway: str, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    if transport is not None:
        return httpx.AsyncClient(base_url=gateway, transport=transport)
    return make_client(gateway, _REQUEST_TIMEOUT_SECONDS)


async def _ask(client: httpx.AsyncClient, gateway: str, query: dict[str, str], deadline: float) -> httpx.Response:
    remaining = max(deadline - time.monotonic(), 0.1)
    try:
        return await client.get("/token", params=query, timeout=min(_REQUEST_TIMEOUT_SECONDS, remaining))
    except httpx.TimeoutException as error:
        raise CallFailed(f"The gateway at {gateway} did not answer in time when asked for a token.") from error
    except httpx.HTTPError as error:
        raise CallFailed(f"The gateway at {gateway} cannot be reached ({error}); is it running?") from error


def _ticket(response: httpx.Response, gateway: str, agent: str) -> Ticket:
    if 400 <= response.status_code < 500:
        raise CallerMistake(f"The gateway refuses a token for {agent} ({response.status_code}): {refusal(response)}")
    if not response.is_success:
        raise CallFailed(
            f"The gateway at {gateway} failed to give a token ({response.status_code}): {refusal(response)}"
        )
    try:
        body: Any = response.json()
        fields = {name: body[name] for name in ("url", "token", "room", "identity")}
    except (ValueError, KeyError, TypeError) as error:
        raise CallFailed(
            f"What answers at {gateway}/token gives no token; is that the address of a voiceagent gateway?"
        ) from error
    return Ticket(**fields)
