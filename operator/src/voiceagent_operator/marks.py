"""Annotations by which Kubernetes and its autoscalers tell a pod with calls from an idle one. Pure."""

from typing import Final

DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
"""Of several pods a ReplicaSet deletes the one of the lowest cost first; without it a pod costs 0."""
SAFE_TO_EVICT: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"
DO_NOT_DISRUPT: Final = "karpenter.sh/do-not-disrupt"
MARKS: Final = (DELETION_COST, SAFE_TO_EVICT, DO_NOT_DISRUPT)
CHEAPEST: Final = "-1000"


def wanted_marks(*, busy: bool, goes_first: bool) -> frozenset[tuple[str, str]]:
    """The annotations of a pod that has calls or not, and that is to go before the others or not."""
    marks = {DELETION_COST: CHEAPEST} if goes_first else {}
    if busy:
        marks |= {SAFE_TO_EVICT: "false", DO_NOT_DISRUPT: "true"}
    return frozenset(marks.items())
