"""Which pods take no new calls and finish those that they have, by agent: also of agents that are deleted. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from voiceagent_api.status import DrainingPods

from voiceagent_gateway.merge import end_of
from voiceagent_gateway.model import PodRef, PodView

Agent = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class _Draining:
    pod: PodRef
    sessions: int


def draining_pods(pods: Sequence[PodRef], views: Sequence[PodView]) -> Mapping[Agent, list[DrainingPods]]:
    """The draining pods of each agent by revision, with the calls that were last seen on them.

    A pod is its agent's by its label, so that it is known for as long as it lives, whatever became of the VoiceAgent.
    """
    statuses = {view.pod.uid: view.status for view in views}
    found: dict[Agent, dict[str, list[_Draining]]] = {}
    for pod in pods:
        status = statuses.get(pod.uid)
        if pod.over or not (pod.terminating or (status is not None and status.draining)):
            continue
        sessions = sum(end_of(record) is None for record in status.sessions) if status else 0
        of_agent = found.setdefault((pod.namespace, pod.agent), {})
        of_agent.setdefault(pod.revision, []).append(_Draining(pod, sessions))
    return {
        agent: [_summary(revision, draining) for revision, draining in sorted(revisions.items())]
        for agent, revisions in found.items()
    }


def _summary(revision: str, draining: Sequence[_Draining]) -> DrainingPods:
    return DrainingPods(
        revision=revision,
        pods=len(draining),
        sessions=sum(one.sessions for one in draining),
        deadline=max((one.pod.deadline for one in draining if one.pod.deadline), default=None),
    )
