"""How a call ended, by whoever knows first."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import rtc
from voiceagent_worker import ending as subject
from voiceagent_worker.ending import Ending, wait_for_room

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CLOSED = rtc.DisconnectReason.ROOM_CLOSED
REMOVED = rtc.DisconnectReason.PARTICIPANT_REMOVED


class Room(rtc.EventEmitter[str]):
    """What an ending knows of a room."""

    def __init__(self, connected: bool = True) -> None:
        super().__init__()
        self._connected = connected

    def isconnected(self) -> bool:
        return self._connected


def context(room: Room) -> Any:
    return SimpleNamespace(room=room, proc=SimpleNamespace(userdata={}))


def outcome(ending: Ending) -> str:
    return ending.told("a", NOON).outcome


async def test_a_room_that_says_late_that_it_is_closed_is_heard() -> None:
    room = Room()
    job = context(room)
    ending = Ending.of(job)
    waiting = asyncio.create_task(wait_for_room(job))
    await asyncio.sleep(0)
    assert not waiting.done()
    room.emit("disconnected", CLOSED)
    await waiting
    assert outcome(ending) == "user_left"


async def test_nobody_waits_for_a_room_where_the_reason_is_known() -> None:
    job = context(Room())
    ending = Ending.of(job)
    ending.settle("drained")
    await wait_for_room(job)
    assert outcome(ending) == "drained"


async def test_nobody_waits_for_a_room_that_was_never_joined() -> None:
    job = context(Room(connected=False))
    Ending.of(job)
    await wait_for_room(job)
    await wait_for_room(context(Room()))  # of a call that never began


async def test_a_room_that_says_nothing_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "ROOM_SECONDS", 0.01)
    job = context(Room())
    ending = Ending.of(job)
    await wait_for_room(job)
    assert outcome(ending) == "completed"


async def test_an_agent_that_was_removed_completed_its_call() -> None:
    room = Room()
    ending = Ending.of(context(room))
    room.emit("disconnected", REMOVED)
    assert outcome(ending) == "completed"
