"""Looks at one LiveKit server's rooms, again and again. What follows is decided in room_states and room_calls."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from voiceagent_api.recovery import plan_recovery

from voiceagent_operator.livekit_rooms import Dispatch, LiveKitError, LiveKitRooms
from voiceagent_operator.metrics import NO_AGENT, Metrics
from voiceagent_operator.objects import Key
from voiceagent_operator.outages import Outage
from voiceagent_operator.room_calls import ours, under_way
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
        metrics: Metrics,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """`now` is the time of day, in seconds since 1970."""
        self.names = names
        """The agents by their dispatch names, kept up to date by whoever made this."""
        self._rooms = rooms
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
        self._states[room] = told_whose(self._states[room], last.agent_name if last else None, self._clock())

    async def _ask_who(self, room: str) -> None:
        try:
            participants = await self._rooms.present(room, self._states[room].agent_name or "")
        except LiveKitError as error:
            logger.debug("a room's participants cannot be had", extra={"room": room, "error": str(error)})
            return
        self._states[room] = told_who(
            self._states[room],
            person=any(one.is_person for one in participants),
            agent=any(one.is_agent and one.job_id for one in participants),
            now=self._clock(),
        )

    async def _call(self, room: str) -> None:
        """Look for a last time, so that what others or the agent itself did in the meantime counts; then call it."""
        try:
            last = await self._call_to_repeat(room)
        except LiveKitError as error:
            logger.debug("a room cannot be looked at", extra={"room": room, "error": str(error)})
            return
        if last is None:
            self._states[room] = not_called(self._states[room], self._clock())
            return
        self._states[room] = called(self._states[room], self._clock())
        told = {"voiceagent": str(self.names.get(last.agent_name)), "room": room}
        try:
            await self._rooms.dispatch(room, last.agent_name, last)
        except LiveKitError as error:
            self._metrics.dispatch_failures.labels(NO_AGENT).inc()
            logger.warning("an agent could not be called into a room", extra={**told, "error": str(error)})
            return
        self._metrics.dispatches.labels(NO_AGENT).inc()
        logger.info("called an agent into a room without one", extra=told)

    async def _call_to_repeat(self, room: str) -> Dispatch | None:
        """The call to make again; None where an agent is there or on its way, nobody waits, or the room is not ours."""
        dispatches = await self._rooms.dispatches(room)
        last = ours(dispatches, self.names)
        self._states[room] = told_whose(self._states[room], last.agent_name if last else None, self._clock())
        if last is None or under_way(dispatches, last.agent_name, (), self._now()):
            return None
        waits = plan_recovery((), await self._rooms.present(room, last.agent_name)).dispatch
        return last if waits else None
