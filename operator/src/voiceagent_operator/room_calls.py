"""Whether an agent is to be called into a room in which nobody serves, and which. Pure.

Asked with what LiveKit has just told, so that what another one did in the meantime, or the agent itself, counts.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final

from voiceagent_operator.livekit_rooms import Dispatch, Present

ANSWER_SECONDS: Final = 5.0
"""A call that nobody has taken by then is not taken any more: LiveKit neither repeats nor reports it."""
ARRIVAL_SECONDS: Final = 15.0
"""A worker that took a call needs some seconds until its agent is in the room."""


def ours(dispatches: Sequence[Dispatch], names: Collection[str]) -> Dispatch | None:
    """The newest call for an agent of ours: it says that the room is one of ours, and what its agent was told."""
    return max((one for one in dispatches if one.agent_name in names), key=lambda one: one.created_at, default=None)


def call_to_repeat(
    dispatches: Sequence[Dispatch],
    present: Sequence[Present],
    names: Collection[str],
    ended_at: Callable[[str], float | None],
    now: float,
) -> Dispatch | None:
    """The call to make again, or None: somebody serves, is on the way, or has said goodbye to all who are there.

    `ended_at` says when a job ended as it should, None for one that did not.
    """
    people = [one for one in present if one.participant.is_person]
    if not people or any(one.participant.is_agent for one in present):
        return None
    last = ours(dispatches, names)
    if last is None or under_way(dispatches, names, (), now):
        return None
    ends = [ended_at(job.id) for job in last.jobs]
    farewell = max((end for end in ends if end is not None), default=None)
    if farewell is not None and None not in ends and all(one.joined_at <= farewell for one in people):
        return None
    return last


def under_way(dispatches: Sequence[Dispatch], names: Collection[str], dead_jobs: Collection[str], now: float) -> bool:
    """Whether an agent of ours may still arrive. Clocks may differ: what is in the future counts as long ago."""

    def younger(since: float, seconds: float) -> bool:
        return 0 <= now - since < seconds

    return any(
        any(job.id not in dead_jobs and younger(job.started_at, ARRIVAL_SECONDS) for job in one.jobs)
        if one.jobs
        else younger(one.created_at, ANSWER_SECONDS)
        for one in dispatches
        if one.agent_name in names
    )
