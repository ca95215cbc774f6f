"""The NetworkPolicy: who may reach a worker pod. Ingress only, since providers' addresses and those of media cannot be
told in a policy."""

from voiceagent_api.install import NetworkPolicyDefaults
from voiceagent_api.names import WORKER_PORT_NAME
from voiceagent_operator.agent import VoiceAgent
from voiceagent_operator.build.common import child_metadata, worker_selector
from voiceagent_operator.objects import Object


def build_network_policy(agent: VoiceAgent, install: NetworkPolicyDefaults) -> Object:
    """The NetworkPolicy of an agent's worker pods: only the worker's port, and only from those the install names."""
    rule: Object = {"ports": [{"port": WORKER_PORT_NAME, "protocol": "TCP"}]}
    if install.allowed_from:
        rule["from"] = install.allowed_from
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": child_metadata(agent, agent.key.name),
        "spec": {"podSelector": worker_selector(agent), "policyTypes": ["Ingress"], "ingress": [rule]},
    }
