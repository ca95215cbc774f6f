"""Looks at one LiveKit server's rooms, again and again. What follows is decided in room_states and room_calls."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from voiceagent_operator.livekit_rooms import LiveKitError, LiveKitRooms
from voiceagent_operator.metrics import NO_AGENT, Metrics
from voiceagent_operator.objects import Key
from voiceagent_operator.outages import Outage
from voiceagent_operator.room_calls import call_to_repeat, ours
from voiceagent_operator.room_states import (
    RoomState,
    called,
    listed,
    next_look,
    not_called,
    told_who,
    told_whose,
)
from voiceagent_operator.together import each

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
QUESTIONS_AT_ONCE: Final = 16


class RoomLook:
    """One server, opened by one key, and the agents that are called there."""

    def __init__(
        self,
        rooms: LiveKitRooms,
        names: Mapping[str, Key],
        farewell: Callable[[str], float | None],
        metrics: Metrics,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """`farewell` says when a job ended as it should; `now` is the time of day, in seconds since 1970."""
        self.names = names
        """The agents by their dispatch names, kept up to date by whoever made this."""
        self._rooms = rooms
        self._farewell = farewell
        self._metrics = metrics
        self._clock = clock
        self._now = now
        self._states: dict[str, RoomState] = {}

    async def run(self) -> None:
        """Look until cancelled, whatever LiveKit answers."""
        agents = sorted(map(str, self.names.values()))[:3]
        outage = Outage("LiveKit cannot be asked about rooms", host=self._rooms.host, voiceagents=agents)
        while True:
            pause_seconds = LOOK_SECONDS
            try:
                await self.look()
            except LiveKitError as error:
                pause_seconds = outage.failed(error)
            except Exception as error:
                logger.exception("a look at the rooms failed", extra={"host": self._rooms.host})
                pause_seconds = outage.failed(error)
            else:
                outage.over()
            await asyncio.sleep(pause_seconds)

    async def look(self) -> None:
        """Look once, and call the agents that are missed. Raises LiveKitError where there is no answer at all."""
        self._states = listed(self._states, await self._rooms.rooms())
        questions = next_look(self._states, self._clock())
        await each(questions.whose, self._ask_whose, QUESTIONS_AT_ONCE)
        await each(questions.who, self._ask_who, QUESTIONS_AT_ONCE)
        await each(next_look(self._states, self._clock()).call, self._call, QUESTIONS_AT_ONCE)

    async def _ask_whose(self, room: str) -> None:
        try:
            last = ours(await self._rooms.dispatches(room), self.names)
        except LiveKitError as error:
            logger.debug("a room's dispatches cannot be had", extra={"room": room, "error": str(error)})
            return
        self._states[room] = told_whose(self._states[room], last is not None, self._clock())

    async def _ask_who(self, room: str) -> None:
        try:
            participants = [one.participant for one in await self._rooms.present(room)]
        except LiveKitError as error:
            logger.debug("a room's participants cannot be had", extra={"room": room, "error": str(error)})
            return
        self._states[room] = told_who(
            self._states[room],
            person=any(one.is_person for one in participants),
            agent=any(one.is_agent for one in participants),
            now=self._clock(),
        )

    async def _call(self, room: str) -> None:
        names, agent_name = self.names, ""
        try:
            dispatches, present = await self._rooms.dispatches(room), await self._rooms.present(room)
            last = call_to_repeat(dispatches, present, names, self._farewell, self._now())
            if last is None:
                mine = ours(dispatches, names) is not None
                self._states[room] = not_called(self._states[room], mine, self._clock())
                return
            agent_name = last.agent_name
            self._states[room] = called(self._states[room], self._clock())
            await self._rooms.dispatch(room, agent_name, last)
        except LiveKitError as error:
            if not agent_name:
                return  # asked again with the next look
            self._metrics.dispatch_failures.labels(NO_AGENT).inc()
            told = {"voiceagent": str(names.get(agent_name)), "room": room, "error": str(error)}
            logger.warning("an agent could not be called into a room", extra=told)
        else:
            self._metrics.dispatches.labels(NO_AGENT).inc()
            told = {"voiceagent": str(names.get(agent_name)), "room": room}
            logger.info("called an agent into a room without one", extra=told)
