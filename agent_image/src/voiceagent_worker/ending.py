"""How a call ended: settled once, by the first who knows why; what nobody settled is told by how its room was left."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Final

from livekit import rtc
from livekit.agents import JobContext

from voiceagent_worker.events import Result, SessionEnded

LOST_CONNECTION: Final = frozenset(
    {
        rtc.DisconnectReason.UNKNOWN_REASON,
        rtc.DisconnectReason.SERVER_SHUTDOWN,
        rtc.DisconnectReason.STATE_MISMATCH,
        rtc.DisconnectReason.JOIN_FAILURE,
        rtc.DisconnectReason.SIGNAL_CLOSE,
        rtc.DisconnectReason.CONNECTION_TIMEOUT,
        rtc.DisconnectReason.MEDIA_FAILURE,
    }
)
"""Reasons for leaving a room that nobody wanted."""

ROOM_SECONDS: Final = 2.0
"""For the room to say why it is left; well within what a process may take to end."""
_KEY: Final = "ending"


class Ending:
    """One call's. Knows no clock and no channel."""

    def __init__(self) -> None:
        self._settled: tuple[Result, str | None] | None = None
        self._left: tuple[Result, str | None] = ("completed", None)
        self._known = asyncio.Event()

    @classmethod
    def of(cls, context: JobContext) -> "Ending":
        """One that `wait_for_room` finds."""
        ending = cls()
        context.room.on("disconnected", ending.left_room)
        context.proc.userdata[_KEY] = ending
        return ending

    def settle(self, outcome: Result, error: str | None = None) -> None:
        """Say why the call ends; only the first word counts."""
        self._settled = self._settled or (outcome, error)
        self._known.set()

    def left_room(self, reason: rtc.DisconnectReason.ValueType) -> None:
        """The agent is out of its room."""
        self._left = how_left(reason)
        self._known.set()

    async def until_known(self) -> None:
        """Until somebody has said why the call ends, or the room is left."""
        await self._known.wait()

    def told(self, session: str, at: datetime) -> SessionEnded:
        """The end of the session, as the main process is told."""
        outcome, error = self._settled or self._left
        return SessionEnded(session=session, at=at, outcome=outcome, error=error)


async def wait_for_room(context: JobContext) -> None:
    """livekit-agents calls this at a job's end, before it leaves the room.

    LiveKit tells the worker that a room is closed, and the room's people why: by two connections, and the worker may
    know first. An agent that then left by itself would never know that its caller was gone.
    """
    ending = context.proc.userdata.get(_KEY)
    if isinstance(ending, Ending) and context.room.isconnected():
        with suppress(TimeoutError):
            async with asyncio.timeout(ROOM_SECONDS):
                await ending.until_known()


def how_left(reason: rtc.DisconnectReason.ValueType) -> tuple[Result, str | None]:
    """What leaving a room for that reason makes of a call, and the sentence for an error. Pure."""
    if reason in LOST_CONNECTION:
        known = reason != rtc.DisconnectReason.UNKNOWN_REASON
        name = f" ({rtc.DisconnectReason.Name(reason)})" if known else ""
        return "error", f"The connection to LiveKit was lost{name} before the call ended."
    if reason == rtc.DisconnectReason.ROOM_CLOSED:
        # nobody but the agent was left; the session of a realtime model may not have told of that
        return "user_left", None
    return "completed", None
