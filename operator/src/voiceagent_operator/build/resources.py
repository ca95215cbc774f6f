"""Requests and limits of the worker container: the user's, with defaults that never contradict them."""

import math
from typing import Any, Final

from voiceagent_api.voiceagent import VoiceAgentSpec
from voiceagent_operator.build.quantity import quantity_value

DEFAULT_CPU_REQUEST: Final = "250m"
BASE_MEMORY_MEBIBYTES: Final = 768
"""What a worker without a call holds (about 530 MB were seen), with room to start the next one."""
_MEBIBYTE: Final = 2**20


def build_resources(spec: VoiceAgentSpec) -> dict[str, Any]:
    """The container's resources.

    Memory that is not named is enough for as many calls as the pod takes, so that a full pod is never killed for
    it. A default request is lowered to the user's limit, and a default limit raised to the user's request.
    """
    requests = {name: str(amount) for name, amount in spec.resources.requests.items()}
    limits = {name: str(amount) for name, amount in spec.resources.limits.items()}
    memory = default_memory(spec)
    for name, amount in {"cpu": DEFAULT_CPU_REQUEST, "memory": memory}.items():
        if name not in requests:
            requests[name] = min(amount, limits.get(name, amount), key=quantity_value)
    if "memory" not in limits:
        limits["memory"] = max(memory, requests["memory"], key=quantity_value)
    return {"requests": requests, "limits": limits}


def default_memory(spec: VoiceAgentSpec) -> str:
    """Memory for a full pod: base + sessionsPerReplica * sessions.memoryLimit."""
    calls = spec.scaling.sessions_per_replica * session_memory_bytes(spec)
    return f"{BASE_MEMORY_MEBIBYTES + math.ceil(calls / _MEBIBYTE)}Mi"


def session_memory_bytes(spec: VoiceAgentSpec) -> int:
    """How much memory one call may use."""
    return math.ceil(quantity_value(spec.sessions.memory_limit))


def cpus_without_limit(resources: dict[str, Any]) -> str | None:
    """How many CPUs the worker should count where no limit tells it, or it would count all of the node's."""
    if "cpu" in resources["limits"]:
        return None
    return str(max(1, math.ceil(quantity_value(resources["requests"]["cpu"]))))
