"""The polite end of a call by its agent: the room is told why, and the agent says goodbye."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from livekit import api, rtc
from livekit.agents import AgentSession
from voiceagent_api.names import ATTRIBUTE_ENDED, ENDED_DRAINED, ENDED_TIME_IS_UP
from voiceagent_api.shutdown import GOODBYE_SECONDS

from voiceagent_worker.people import linked_person
from voiceagent_worker.sentences import MAINTENANCE, TIME_IS_UP, sentence
from voiceagent_worker.speaking import speak

logger = logging.getLogger(__name__)

MARK_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Farewell:
    """Why an agent ends a call by itself."""

    reason: str
    """For programs: the value of the attribute voiceagents.dev/ended."""
    sentences: Mapping[str, str]
    outcome: Literal["timed_out", "drained"]


TIME: Final = Farewell(ENDED_TIME_IS_UP, TIME_IS_UP, "timed_out")
DRAINED: Final = Farewell(ENDED_DRAINED, MAINTENANCE, "drained")


async def say_farewell(
    farewell: Farewell, language: str, session: AgentSession[None], room: rtc.Room, livekit: api.LiveKitAPI
) -> None:
    """Tell the room, say goodbye, and return: within GOODBYE_SECONDS, whatever fails."""
    try:
        async with asyncio.timeout(GOODBYE_SECONDS), asyncio.TaskGroup() as group:
            group.create_task(_tell(farewell.reason, session, room, livekit))
            group.create_task(_speak(sentence(farewell.sentences, language), session))
    except TimeoutError:
        logger.warning("The goodbye took longer than %d s and was cut off", GOODBYE_SECONDS)


async def withdraw_farewell(room: rtc.Room, livekit: api.LiveKitAPI) -> None:
    """For an agent that comes to a person whom another said goodbye to: that person is in a call again."""
    for person in room.remote_participants.values():
        if ATTRIBUTE_ENDED in person.attributes:
            await _mark(person.identity, "", room, livekit)


async def _speak(text: str, session: AgentSession[None]) -> None:
    try:
        await session.interrupt(force=True)
        await speak(session, text, allow_interruptions=False)
    except Exception as error:
        # also where the caller is gone already
        logger.info("The goodbye was not said: %s", str(error) or type(error).__name__)


async def _tell(reason: str, session: AgentSession[None], room: rtc.Room, livekit: api.LiveKitAPI) -> None:
    """On the agent, for those in the room now; on the person too, since the agent's attributes leave with it."""
    try:
        await room.local_participant.set_attributes({ATTRIBUTE_ENDED: reason})
    except Exception as error:
        logger.warning("The room could not be told why the call ends: %s", str(error) or type(error).__name__)
    identity = linked_person(session)
    if identity is not None:
        await _mark(identity, reason, room, livekit)


async def _mark(identity: str, reason: str, room: rtc.Room, livekit: api.LiveKitAPI) -> None:
    """Set the person's attribute; an empty reason takes it away."""
    request = api.UpdateParticipantRequest(room=room.name, identity=identity, attributes={ATTRIBUTE_ENDED: reason})
    try:
        async with asyncio.timeout(MARK_SECONDS):
            await livekit.room.update_participant(request)
    except Exception as error:
        logger.warning("A person could not be marked in the room: %s", str(error) or type(error).__name__)
