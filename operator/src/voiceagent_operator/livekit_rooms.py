"""One LiveKit server, opened by one key: its rooms, who is in them, and which agents were called. Nothing is decided.

Every question has a deadline, and every failure is a LiveKitError that names the server and no secret.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import aiohttp
from livekit import api
from voiceagent_api.recovery import Participant

DEADLINE_SECONDS: Final = 3.0
NANOSECONDS: Final = 1_000_000_000
_KINDS: Final = {value: name for name, value in api.ParticipantInfo.Kind.items()}
Answer = TypeVar("Answer")


class LiveKitError(Exception):
    """A LiveKit server refused, or did not answer; the message says which and what."""


@dataclass(frozen=True, slots=True)
class Job:
    """An agent's work in a room, as a worker took it."""

    id: str
    started_at: float
    """By the server's clock, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A call for an agent. LiveKit keeps it as long as the room, whatever has become of the agent."""

    id: str
    agent_name: str
    created_at: float
    """By the server's clock, in seconds since 1970."""
    jobs: tuple[Job, ...]
    """What came of it, some seconds late. LiveKit goes on naming a job that has ended."""
    metadata: str = ""
    deployment: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


class LiveKitRooms:
    """Asks one server about its rooms."""

    def __init__(self, session: aiohttp.ClientSession, url: str, api_key: str, api_secret: str) -> None:
        self.host = urlsplit(url).netloc.rpartition("@")[2]
        self._api = api.LiveKitAPI(url, api_key, api_secret, session=session, failover=False)

    async def rooms(self) -> dict[str, int]:
        """How many are in each room, agents and recorders not counted."""
        answer = await self._ask(self._api.room.list_rooms(api.ListRoomsRequest()))
        return {room.name: room.num_participants for room in answer.rooms}

    async def present(self, room: str, agent_name: str) -> tuple[Participant, ...]:
        """Who is in a room, as seen by the agent of that name; nobody where there is no such room."""
        try:
            answer = await self._ask(self._api.room.list_participants(api.ListParticipantsRequest(room=room)))
        except _NotThere:
            return ()
        return tuple(
            Participant.seen(one.identity, _KINDS.get(one.kind, ""), one.attributes, agent_name)
            for one in answer.participants
            if one.state != one.State.DISCONNECTED
        )

    async def remove(self, room: str, identity: str) -> None:
        """Have a participant leave; it may have left already."""
        try:
            await self._ask(
                self._api.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))
            )
        except _NotThere:
            return

    async def dispatches(self, room: str) -> tuple[Dispatch, ...]:
        """Which agents were called into a room; none where there is no such room."""
        try:
            answer = await self._ask(self._api.agent_dispatch.list_dispatch(room))
        except _NotThere:
            return ()
        return tuple(_dispatch(one) for one in answer if not one.state.deleted_at)

    async def dispatch(self, room: str, agent_name: str, like: Dispatch | None = None) -> None:
        """Call an agent, with what an earlier call told it. That call is then forgotten: one is enough in a room."""
        request = api.CreateAgentDispatchRequest(room=room, agent_name=agent_name)
        if like is not None:
            request.metadata, request.deployment = like.metadata, like.deployment
            request.attributes.update(dict(like.attributes))
        await self._ask(self._api.agent_dispatch.create_dispatch(request))
        if like is not None:
            try:
                await self._ask(self._api.agent_dispatch.delete_dispatch(like.id, room))
            except LiveKitError:
                return  # the agent is called, and that counts; what is left over is only shown

    async def _ask(self, question: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                return await question
        except api.TwirpError as error:
            if error.code == "not_found":
                raise _NotThere(f"LiveKit at {self.host} knows of no such thing: {error.message}.") from error
            raise LiveKitError(f"LiveKit at {self.host} refused: {error.code}: {error.message}.") from error
        except TimeoutError as error:
            raise LiveKitError(f"LiveKit at {self.host} did not answer in {DEADLINE_SECONDS:.0f} s.") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise LiveKitError(f"LiveKit at {self.host} cannot be reached: {type(error).__name__}.") from error


class _NotThere(LiveKitError):
    """The room, participant or dispatch is gone."""


def _dispatch(one: api.AgentDispatch) -> Dispatch:
    return Dispatch(
        id=one.id,
        agent_name=one.agent_name,
        created_at=one.state.created_at / NANOSECONDS,
        jobs=tuple(Job(job.id, job.state.started_at / NANOSECONDS) for job in one.state.jobs),
        metadata=one.metadata,
        deployment=one.deployment,
        attributes=tuple(sorted(one.attributes.items())),
    )
