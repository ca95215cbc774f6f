"""What is known of a LiveKit server's rooms, and what to ask or do next. Pure, with the time handed in.

A room without anybody, or gone, is forgotten. Of the others each is asked for only as often as it may need help:
one of ours without an agent at every look, one with an agent seldom, one of others ever more seldom.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

ALONE_SECONDS: Final = 5.0
"""For so long a person waits before an agent is called once more; as long for the next, then twice, and so on."""
LONGEST_SECONDS: Final = 60.0
SERVED_SECONDS: Final = 10.0
"""How often a room with an agent is looked at, if nobody comes or goes."""
SETTLED_SECONDS: Final = 60.0
"""An agent that stayed for so long has served: should it be lost, the room is one that never needed help."""
MOST_QUESTIONS: Final = 100
"""In one look, so that a server with many rooms is not overrun; the others have their turn in the next."""


@dataclass(frozen=True, slots=True)
class RoomState:
    """A room with people in it."""

    people: int
    changed: bool = True
    """Whether somebody came or went since it was last asked who is there."""
    agent_name: str | None = None
    """Of the agent of ours that was called into it last; None where none was, as far as is known."""
    asked_whose_at: float = float("-inf")
    asked_whose: int = 0
    asked_who_at: float = float("-inf")
    served_since: float | None = None
    alone_since: float | None = None
    """Since when a person has been seen without an agent."""
    called_at: float | None = None
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What to do next: ask whose rooms are, ask who is in rooms, call an agent into rooms."""

    whose: tuple[str, ...] = ()
    who: tuple[str, ...] = ()
    call: tuple[str, ...] = ()


def listed(states: Mapping[str, RoomState], people: Mapping[str, int]) -> dict[str, RoomState]:
    """The rooms that there are now, by how many people are in each."""
    return {room: _counted(states.get(room), count) for room, count in people.items() if count > 0}


def told_whose(state: RoomState, agent_name: str | None, now: float) -> RoomState:
    """Which agent of ours was called into it, if any."""
    return replace(state, agent_name=agent_name, asked_whose_at=now, asked_whose=state.asked_whose + 1)


def told_who(state: RoomState, person: bool, agent: bool, now: float) -> RoomState:
    """Whether a person who waits for an agent, and the agent, are in it."""
    state = replace(state, changed=False, asked_who_at=now)
    if agent:
        since = now if state.served_since is None else state.served_since
        settled = now - since >= SETTLED_SECONDS
        return replace(
            state,
            served_since=since,
            alone_since=None,
            called_at=None if settled else state.called_at,
            calls=0 if settled else state.calls,
        )
    alone = (now if state.alone_since is None else state.alone_since) if person else None
    return replace(state, served_since=None, alone_since=alone)


def called(state: RoomState, now: float) -> RoomState:
    """An agent is being called, whatever becomes of it."""
    return replace(state, called_at=now, calls=state.calls + 1)


def not_called(state: RoomState, now: float) -> RoomState:
    """A last look has shown that no agent is to be called yet."""
    return replace(state, alone_since=None if state.alone_since is None else now)


def next_look(states: Mapping[str, RoomState], now: float) -> Look:
    """What to ask and do, those first who wait the longest."""
    whose = [room for room, state in states.items() if not state.agent_name and now >= _whose_due_at(state)]
    who = [room for room, state in states.items() if state.agent_name and _who_due(state, now)]
    call = [room for room, state in states.items() if state.agent_name and now >= _call_due_at(state)]
    who.sort(key=lambda room: (states[room].served_since is not None, states[room].asked_who_at))
    whose.sort(key=lambda room: states[room].asked_whose_at)
    call.sort(key=lambda room: _call_due_at(states[room]))
    most = MOST_QUESTIONS
    return Look(tuple(whose[:most]), tuple(who[:most]), tuple(call[:most]))


def _counted(state: RoomState | None, people: int) -> RoomState:
    if state is None:
        return RoomState(people)
    return replace(state, people=people, changed=state.changed or state.people != people)


def _whose_due_at(state: RoomState) -> float:
    return state.asked_whose_at + _backed_off(1.0, state.asked_whose)


def _who_due(state: RoomState, now: float) -> bool:
    return state.changed or state.served_since is None or now >= state.asked_who_at + SERVED_SECONDS


def _call_due_at(state: RoomState) -> float:
    if state.alone_since is None:
        return float("inf")
    due = state.alone_since + ALONE_SECONDS
    return due if state.called_at is None else max(due, state.called_at + _backed_off(ALONE_SECONDS, state.calls - 1))


def _backed_off(first: float, times: int) -> float:
    return min(LONGEST_SECONDS, first * 2.0 ** min(times, 10))
