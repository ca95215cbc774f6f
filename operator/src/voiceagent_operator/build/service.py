"""The headless Service: names every worker pod, draining ones too, so that their sessions can be read."""

from voiceagent_api.names import WORKER_PORT, WORKER_PORT_NAME, worker_labels
from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.build.common import child_metadata
from voiceagent_operator.objects import Object


def build_service(agent: VoiceAgent) -> Object:
    """The Service of an agent's worker pods."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": child_metadata(agent, agent.key.name),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": worker_labels(agent.key.name),
            "ports": [
                {
                    "name": WORKER_PORT_NAME,
                    "port": WORKER_PORT,
                    "targetPort": WORKER_PORT_NAME,
                    "protocol": "TCP",
                }
            ],
        },
    }
