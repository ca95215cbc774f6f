"""The PodDisruptionBudget: a drained node takes one worker pod at a time, and broken pods never block it."""

from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.build.common import child_metadata, worker_selector
from voiceagent_operator.objects import Object


def build_pod_disruption_budget(agent: VoiceAgent) -> Object:
    """The PodDisruptionBudget of an agent's worker pods."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": child_metadata(agent, agent.key.name),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": worker_selector(agent),
        },
    }
