"""Requests and limits of the worker container: the user's, with defaults that never contradict them."""

import math
from typing import Any, Final

from voiceagent_api.pod_template import ResourceAmounts
from voiceagent_operator.build.quantity import quantity_value

DEFAULT_REQUESTS: Final = {"cpu": "250m", "memory": "768Mi"}
DEFAULT_LIMITS: Final = {"memory": "2Gi"}


def build_resources(amounts: ResourceAmounts) -> dict[str, Any]:
    """The container's resources.

    A default request is lowered to the user's limit, and a default limit raised to the user's request.
    """
    requests = {name: str(amount) for name, amount in amounts.requests.items()}
    limits = {name: str(amount) for name, amount in amounts.limits.items()}
    for name, amount in DEFAULT_REQUESTS.items():
        if name not in requests:
            requests[name] = min(amount, limits.get(name, amount), key=quantity_value)
    for name, amount in DEFAULT_LIMITS.items():
        if name not in limits:
            limits[name] = max(amount, requests[name], key=quantity_value)
    return {"requests": requests, "limits": limits}


def cpus_without_limit(resources: dict[str, Any]) -> str | None:
    """How many CPUs the worker should count where no limit tells it, or it would count all of the node's."""
    if "cpu" in resources["limits"]:
        return None
    return str(max(1, math.ceil(quantity_value(resources["requests"]["cpu"]))))
