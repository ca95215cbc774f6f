"""What to do about a room whose agent died: who is in it → whom to remove, and whether to call another agent.

LiveKit keeps a dead agent in its room for about 20 s and, on one's own server, sends no other. The worker asks this
for a call whose process crashed, the operator for the calls of a pod that died.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from voiceagent_api.names import ATTRIBUTE_ENDED, ATTRIBUTE_PROCESS, job_of_agent

LIVEKIT_ATTRIBUTE_AGENT_NAME: Final = "lk.agent.name"
"""Set by livekit-agents on each agent: the dispatch name that it was called by."""
_AGENT: Final = "AGENT"
_PERSONS: Final = frozenset({"STANDARD", "SIP", "CONNECTOR"})
"""LiveKit's kinds of participants who talk; the others record, bring in streams, or are agents."""


@dataclass(frozen=True, slots=True)
class Participant:
    """Someone in a room."""

    identity: str
    is_agent: bool
    is_person: bool
    """A person who may be talked with; not one whose call the agent ended by itself."""
    job_id: str | None
    """The job of an agent of ours; None for everybody else, agents of another name too."""
    process: str = ""
    """The worker process of an agent of ours, where it tells."""

    @classmethod
    def seen(cls, identity: str, kind: str, attributes: Mapping[str, str], agent_name: str) -> "Participant":
        """From what LiveKit's room service tells. `kind` is its name there, such as STANDARD."""
        ours = kind == _AGENT and attributes.get(LIVEKIT_ATTRIBUTE_AGENT_NAME, agent_name) == agent_name
        return cls(
            identity=identity,
            is_agent=kind == _AGENT,
            is_person=kind in _PERSONS and ATTRIBUTE_ENDED not in attributes,
            job_id=job_of_agent(identity) if ours else None,
            process=attributes.get(ATTRIBUTE_PROCESS, "") if ours else "",
        )


@dataclass(frozen=True, slots=True)
class Recovery:
    """What to do in a room."""

    remove: tuple[str, ...]
    """Identities of dead agents that LiveKit still shows."""
    dispatch: bool
    """Whether to call another agent, after that."""


def plan_recovery(dead_job_ids: Collection[str], participants: Sequence[Participant]) -> Recovery:
    """Remove the dead; call another agent if a person is there and no living agent of ours."""
    jobs = {one.identity: one.job_id for one in participants if one.is_agent and one.job_id}
    return Recovery(
        remove=tuple(identity for identity, job_id in jobs.items() if job_id in dead_job_ids),
        dispatch=any(one.is_person for one in participants) and all(job_id in dead_job_ids for job_id in jobs.values()),
    )
