"""Brings an agent into a room that already lives without one.

A token's dispatch acts only when its holder's join makes the room. Into a room that is there already the
agent must be called by CreateDispatch. This is a help: what fails is logged, and the token is given.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

import aiohttp
from livekit import api

from voiceagent_gateway.keyed_locks import KeyedLocks
from voiceagent_gateway.model import LiveKitCredentials

DEADLINE_SECONDS: Final = 1.5
DISPATCH_GRACE_SECONDS: Final = 15.0
"""A dispatch younger than this may still be on its way: an agent takes some seconds from dispatch to room."""
NANOSECONDS: Final = 1_000_000_000
log = logging.getLogger(__name__)


class LiveKitRooms:
    """Asks LiveKit servers about rooms, each time within a deadline."""

    def __init__(self, session: aiohttp.ClientSession, clock: Callable[[], float] = time.time) -> None:
        self._session = session
        self._clock = clock
        self._locks = KeyedLocks()

    async def ensure_agent(
        self, url: str, credentials: LiveKitCredentials, room: str, agent_name: str, metadata: str
    ) -> bool:
        """Call the agent if the room is there and no agent is in it or on its way. Returns whether it did."""
        try:
            # One at a time for each room, or two callers at once would bring two agents.
            async with asyncio.timeout(DEADLINE_SECONDS), self._locks.hold((url, room)):
                done = await self._ensure(url, credentials, room, agent_name, metadata)
        except (api.TwirpError, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.warning(
                "could not look whether the room needs an agent",
                extra={"room": room, "agent_name": agent_name, "error": str(error) or type(error).__name__},
            )
            return False
        if done:
            log.info("dispatched an agent into a living room", extra={"room": room, "agent_name": agent_name})
        return done

    async def _ensure(
        self, url: str, credentials: LiveKitCredentials, room: str, agent_name: str, metadata: str
    ) -> bool:
        livekit = api.LiveKitAPI(
            url, credentials.api_key, credentials.api_secret, session=self._session, failover=False
        )
        if not (await livekit.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms:
            return False
        present = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        if agent_present(present.participants):
            return False
        if dispatch_under_way(await livekit.agent_dispatch.list_dispatch(room), agent_name, self._clock()):
            return False
        await livekit.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name=agent_name, room=room, metadata=metadata)
        )
        return True


def agent_present(participants: Sequence[api.ParticipantInfo]) -> bool:
    """Whether an agent is in the room."""
    return any(
        participant.kind == api.ParticipantInfo.Kind.AGENT
        and participant.state != api.ParticipantInfo.State.DISCONNECTED
        for participant in participants
    )


def dispatch_under_way(dispatches: Sequence[api.AgentDispatch], agent_name: str, now_seconds: float) -> bool:
    """Whether the agent was called so recently that it may still come."""
    return any(
        dispatch.agent_name == agent_name
        and now_seconds - dispatch.state.created_at / NANOSECONDS < DISPATCH_GRACE_SECONDS
        for dispatch in dispatches
    )
