"""What all children share: owner, labels and the form of their metadata."""

from typing import Any

from voiceagent_api.names import API_VERSION, FIELD_MANAGER, KIND, LABEL_MANAGED_BY, worker_labels
from voiceagent_operator.agent import VoiceAgent


def child_metadata(agent: VoiceAgent, name: str, **labels: str) -> dict[str, Any]:
    """Metadata of a child: owned by the VoiceAgent, so that the garbage collector takes it along."""
    return {
        "name": name,
        "namespace": agent.key.namespace,
        "labels": {**worker_labels(agent.key.name), LABEL_MANAGED_BY: FIELD_MANAGER, **labels},
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": agent.key.name,
                "uid": agent.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def worker_selector(agent: VoiceAgent) -> dict[str, Any]:
    """Selects the agent's worker pods. Never changes: a Deployment's selector cannot."""
    return {"matchLabels": worker_labels(agent.key.name)}
