"""The numbers of the operator that are read when Prometheus asks, and where each comes from."""

from collections.abc import Callable

from voiceagent_operator.agent_metrics import AgentGauges
from voiceagent_operator.metrics import Metrics
from voiceagent_operator.objects import Key
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.tables import Tables


def register_gauges(metrics: Metrics, queue: WorkQueue[Key], tables: Tables, leading: Callable[[], bool]) -> None:
    """Have the queue, the leader, what is watched, and the VoiceAgents among the metrics."""
    metrics.read("queue_depth", "VoiceAgents that wait to be reconciled, or are being reconciled.", queue.depth)
    metrics.read(
        "queue_age_seconds",
        "For how long the first of them has been due, where this operator works.",
        lambda: queue.age_seconds() if leading() else 0.0,
    )
    metrics.read("leader", "1 for the operator that works, 0 for one that stands by.", lambda: float(leading()))
    metrics.read_each("watched_objects", "Objects that are known, by kind.", "kind", tables.counts)
    metrics.registry.register(AgentGauges(tables.agent_bodies))
