"""A call whose process died: its room gets another agent at once, from this pod or another.

LiveKit would show the dead agent for about 20 s and send no other. The memory of the conversation stays with the
person in the room, so the new agent goes on with it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

import aiohttp
from livekit import api
from voiceagent_api.recovery import Participant, Recovery, plan_recovery

from voiceagent_worker.credentials import LiveKitCredentials

logger = logging.getLogger(__name__)

RESCUE_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 0.5
MAX_RESCUES: Final = 100
"""At once; a pod that loses more calls than this has other trouble, and the operator looks after rooms too."""
MAX_RESCUES_OF_A_ROOM: Final = 3
"""An agent that dies of what it meets in a room would die there for ever. The operator tries on, ever more slowly."""
REMEMBERED_RESCUES: Final = 300
_FAILURES: Final = (api.TwirpError, aiohttp.ClientError, OSError, TimeoutError)


class Rescue:
    """Looks after the rooms of dead calls."""

    def __init__(
        self, url: str, credentials: LiveKitCredentials, agent_name: str, on_recovered: Callable[[], None]
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._agent_name = agent_name
        self._on_recovered = on_recovered
        self._rooms: deque[str] = deque(maxlen=REMEMBERED_RESCUES)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def lost(self, job_id: str, room: str) -> None:
        """Take up the room of a job that died. Call it once for each job."""
        if self._closed:
            return
        if len(self._tasks) >= MAX_RESCUES or self._rooms.count(room) >= MAX_RESCUES_OF_A_ROOM:
            logger.error("Too many calls died; the room of one is left to the operator", extra={"room": room})
            return
        self._rooms.append(room)
        task = asyncio.get_running_loop().create_task(self._recover(job_id, room), name="rescue")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Finish what was taken up, which has a deadline, and take up nothing more."""
        self._closed = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=RESCUE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _recover(self, job_id: str, room: str) -> None:
        try:
            async with (
                asyncio.timeout(RESCUE_SECONDS),
                aiohttp.ClientSession(trust_env=True) as http,
                self._client(http) as livekit,
            ):
                plan = await self._clear(livekit, job_id, room)
                if not plan.dispatch:
                    logger.info("A call's process died; its room needs no other agent", extra={"room": room})
                    return
                # not tried again: one that failed only on the way back would bring two agents
                await livekit.agent_dispatch.create_dispatch(
                    api.CreateAgentDispatchRequest(agent_name=self._agent_name, room=room)
                )
        except _FAILURES as error:
            logger.error(
                "The room of a dead call got no other agent: %s", str(error) or "no answer", extra={"room": room}
            )
            return
        logger.warning("A call's process died; another agent was called to its room", extra={"room": room})
        self._on_recovered()

    async def _clear(self, livekit: api.LiveKitAPI, job_id: str, room: str) -> Recovery:
        """Take the dead agent out of the room; what else is to be done. Tries until the deadline."""
        while True:
            try:
                listed = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
                plan = plan_recovery({job_id}, [self._participant(info) for info in listed.participants])
                for identity in plan.remove:
                    await livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))
                return plan
            except _FAILURES as error:
                if isinstance(error, api.TwirpError) and error.code == api.TwirpErrorCode.NOT_FOUND:
                    # the room is over, or LiveKit has just taken the dead agent out of it
                    return Recovery(remove=(), dispatch=False)
                logger.warning("The room of a dead call cannot be looked after yet: %s", str(error) or "no answer")
                await asyncio.sleep(RETRY_SECONDS)

    def _participant(self, info: api.ParticipantInfo) -> Participant:
        kind = api.ParticipantInfo.Kind.Name(info.kind)
        return Participant.seen(info.identity, kind, dict(info.attributes), self._agent_name)

    def _client(self, http: aiohttp.ClientSession) -> api.LiveKitAPI:
        return api.LiveKitAPI(self._url, self._credentials.api_key, self._credentials.api_secret, session=http)
