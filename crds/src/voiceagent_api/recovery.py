"""What to do in a room whose agent has died: decided alike wherever the death is noticed. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody in a LiveKit room, as far as a recovery cares."""

    identity: str
    is_agent: bool
    is_person: bool
    """False also for what is neither: a recorder, a stream that is fed in."""
    job_id: str | None = None
    """The agent's job, by its identity."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What brings a room back to life."""

    remove: tuple[str, ...] = ()
    """Identities of agents that are still shown but dead: LiveKit itself lets go of them after 20 s."""
    dispatch: bool = False
    """Whether a fresh agent is to be called."""


def plan_recovery(dead_job_ids: Collection[str], participants: Sequence[Participant]) -> Recovery:
    """Ghosts go; a fresh agent comes where a person is present and no living agent is."""
    ghosts = tuple(one.identity for one in participants if one.is_agent and one.job_id in dead_job_ids)
    served = any(one.is_agent and one.identity not in ghosts for one in participants)
    return Recovery(remove=ghosts, dispatch=not served and any(one.is_person for one in participants))
