"""The ServiceAccount: an identity without rights; worker pods never speak to the API server."""

from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.build.common import child_metadata
from voiceagent_operator.objects import Object


def build_service_account(agent: VoiceAgent) -> Object:
    """The ServiceAccount of an agent's worker pods."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": child_metadata(agent, agent.key.name),
        "automountServiceAccountToken": False,
    }
