"""How long the end of a worker pod takes: the worker's deadlines, and the grace period that holds them all.

A pod that is told to stop lets its calls go on for the drain timeout. What is left then is said goodbye to, leaves
its room, and is closed. Operator and worker both take their numbers from here, so they cannot contradict each other.
"""

from typing import Final

GOODBYE_SECONDS: Final = 10
"""For an agent to say its last sentence."""
LEAVING_SECONDS: Final = 5
"""For the calls' processes to leave their rooms after it."""
CLOSING_SECONDS: Final = 10
"""For the worker to close what is left, calls that hang too."""
SPARE_SECONDS: Final = 5
"""For a busy node, so that the end comes before the kubelet's."""
SHUTDOWN_MARGIN_SECONDS: Final = GOODBYE_SECONDS + LEAVING_SECONDS + CLOSING_SECONDS + SPARE_SECONDS
"""What a pod needs beyond its drain timeout."""


def grace_period_seconds(drain_timeout_seconds: int) -> int:
    """The pod's terminationGracePeriodSeconds for a drain timeout."""
    return drain_timeout_seconds + SHUTDOWN_MARGIN_SECONDS
