"""The control Secret: a token by which the operator's requests to a worker pod are told from anybody else's."""

from voiceagent_api.names import CONTROL_TOKEN_KEY, control_secret_name
from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.build.common import child_metadata
from voiceagent_operator.objects import Object


def build_control_secret(agent: VoiceAgent, token: str) -> Object:
    """The Secret of an agent. Made once: a new token would lock the operator out of running pods."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": child_metadata(agent, control_secret_name(agent.key.name)),
        "stringData": {CONTROL_TOKEN_KEY: token},
    }
