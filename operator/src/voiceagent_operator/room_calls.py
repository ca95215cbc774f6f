"""Which room is one of ours, and whether an agent may still be on its way to it. Pure."""

from collections.abc import Collection, Sequence
from typing import Final

from voiceagent_operator.livekit_rooms import Dispatch

ANSWER_SECONDS: Final = 5.0
"""A call that nobody has taken by then is not taken any more: LiveKit neither repeats nor reports it."""
ARRIVAL_SECONDS: Final = 15.0
"""A worker that took a call needs some seconds until its agent is in the room."""


def ours(dispatches: Sequence[Dispatch], names: Collection[str]) -> Dispatch | None:
    """The newest call for an agent of ours: it says that the room is one of ours, and what its agent was told."""
    return max((one for one in dispatches if one.agent_name in names), key=lambda one: one.created_at, default=None)


def under_way(dispatches: Sequence[Dispatch], agent_name: str, dead_jobs: Collection[str], now: float) -> bool:
    """Whether the agent may still arrive. Clocks may differ: what is in the future counts as long ago."""

    def younger(since: float, seconds: float) -> bool:
        return 0 <= now - since < seconds

    return any(
        any(job.id not in dead_jobs and younger(job.started_at, ARRIVAL_SECONDS) for job in one.jobs)
        if one.jobs
        else younger(one.created_at, ANSWER_SECONDS)
        for one in dispatches
        if one.agent_name == agent_name
    )
