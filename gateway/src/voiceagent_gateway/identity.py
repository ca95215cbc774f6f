"""Who a caller is, and what that one may do. Pure.

What may be done is a union of scopes, each of which says which rooms go with which agents: two scopes never mix.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from voiceagent_gateway.model import AgentRef

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Scope:
    """Some agents, and the rooms in which they may be called."""

    agents: tuple[str, ...] = ()
    """Patterns of NAMESPACE/NAME, where * stands for any characters but the slash; * alone is every agent."""
    rooms: tuple[str, ...] = (EVERYTHING,)
    """Patterns of rooms, where * stands for any characters."""
    transcripts: bool = False
    """Whether the transcripts of their calls in these rooms may be read and erased."""

    def covers(self, agent: str) -> bool:
        """Whether the agent, as NAMESPACE/NAME, is one of them."""
        return EVERYTHING in self.agents or any(agent_matches(pattern, agent) for pattern in self.agents)

    def opens(self, room: str) -> bool:
        """Whether the room is one of them."""
        return EVERYTHING in self.rooms or any(matches(pattern, room) for pattern in self.rooms)


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller."""

    name: str
    """For logs and limits, with how it is known: key:website, oidc:anna, anonymous."""
    scopes: tuple[Scope, ...] = ()
    metrics: bool = False
    """Whether all metrics may be read."""
    expires_at: datetime | None = None
    """From when it may do nothing more."""


ANYBODY = Identity("anonymous", (Scope((EVERYTHING,), transcripts=True),), metrics=True)
"""Whoever reaches a gateway that asks nobody who they are."""


def denial(identity: Identity, agent: str, room: str | None = None) -> str | None:
    """None where the caller may call the agent, and, where one is given, in this room; else what the caller may not.

    The words speak only of what was asked and of the caller's own scopes, never of which agents there are.
    """
    covered = False
    for scope in identity.scopes:
        if scope.covers(agent):
            if room is None or scope.opens(room):
                return None
            covered = True
    if not covered:
        return f"may not call VoiceAgent {agent}"
    rooms = ", ".join(dict.fromkeys(_rooms_of(identity, agent)))
    return f"may not use room {room} with VoiceAgent {agent}; its rooms are {rooms or 'none'}"


def may_read_transcript(identity: Identity, agent: str, room: str) -> bool:
    """Whether one scope has the agent, the room and the right to transcripts."""
    return any(
        scope.transcripts and scope.covers(agent) and any(matches(pattern, room) for pattern in scope.rooms)
        for scope in identity.scopes
    )


def visible(identity: Identity, agents: Iterable[AgentRef]) -> list[AgentRef]:
    """Those of the agents that the caller may call in some room."""
    return [agent for agent in agents if denial(identity, agent.reference) is None]


def default_room(identity: Identity, agent: AgentRef, new_id: Callable[[], str]) -> str | None:
    """A room that nobody can guess and that the caller may use; None where each of the caller's rooms has a name."""
    room = f"{agent.name}-{new_id()}"
    if denial(identity, agent.reference, room) is None:
        return room
    for pattern in _rooms_of(identity, agent.reference):
        if "*" in pattern:
            first, *rest = pattern.split("*")
            return first + new_id() + "".join(rest)
    return None


def matches(pattern: str, text: str) -> bool:
    """Whether the text is the pattern, where * stands for any characters; in a time that no pattern can blow up."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *middle, last = rest
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    place, end = len(first), len(text) - len(last)
    # The earliest place for each part leaves the most room for those behind it.
    for part in middle:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


@lru_cache(maxsize=4096)
def agent_matches(pattern: str, agent: str) -> bool:
    """The same for NAMESPACE/NAME: * crosses no slash, but * alone is every agent."""
    if pattern == EVERYTHING:
        return True
    namespace_pattern, _, name_pattern = pattern.partition("/")
    namespace, _, name = agent.partition("/")
    return matches(namespace_pattern, namespace) and matches(name_pattern, name)


def _rooms_of(identity: Identity, agent: str) -> Sequence[str]:
    return [pattern for scope in identity.scopes if scope.covers(agent) for pattern in scope.rooms]
