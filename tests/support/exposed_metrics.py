"""What operator, gateway and worker tell Prometheus by their own registries: metrics, labels and their values."""

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from usage_world import NOON, POD, Here, call, keeping, view
from voiceagent_api.gateway_settings import RateLimits
from voiceagent_api.status import Condition, VoiceAgentStatus
from voiceagent_api.worker_status import TurnRecord
from voiceagent_gateway.gate import limits_of
from voiceagent_gateway.merge import merge
from voiceagent_gateway.model import PodView
from voiceagent_gateway.problems import ProblemError
from voiceagent_gateway.prometheus_text import GatewayCounters
from voiceagent_gateway.rate_limits import MemoryBuckets
from voiceagent_gateway.usage.families import UsageFamilies
from voiceagent_operator import reasons
from voiceagent_operator.conditions import judge
from voiceagent_operator.findings import Findings
from voiceagent_operator.gauges import register_gauges
from voiceagent_operator.kinds import VOICE_AGENT
from voiceagent_operator.metrics import Metrics
from voiceagent_operator.queue import WorkQueue
from voiceagent_operator.rollout import read_rollout
from voiceagent_operator.tables import Tables
from voiceagent_worker.events import PluginReported, SessionStarted
from voiceagent_worker.metrics import Identity, WorkerMetrics
from voiceagent_worker.sessions import SessionRegistry


@dataclass
class Exposed:
    """Metric names, and for each its labels with the values that were seen."""

    metrics: dict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))

    def take_in(self, text: bytes) -> "Exposed":
        """What one process told. A family without samples counts as nothing."""
        for family in text_string_to_metric_families(text.decode()):
            for sample in family.samples:
                known = self.metrics[sample.name]
                for label, value in sample.labels.items():
                    known[label].add(value)
        return self


def agent_body() -> dict[str, object]:
    """A VoiceAgent with all that a number is made of."""
    status = VoiceAgentStatus(
        replicas=2,
        ready_replicas=1,
        session_capacity=10,
        conditions=[
            Condition(type=kind, status=status, reason=reason, message="", last_transition_time="2026-01-01T00:00:00Z")
            for kind, status, reason in _conditions()
        ],
    ).model_dump(mode="json", by_alias=True, exclude_none=True)
    spec = {"scaling": {"mode": "Sessions", "maxReplicas": 3}, "budget": {"perDay": "20.00"}}
    meta = {"name": "receptionist", "namespace": "default", "uid": "u", "resourceVersion": "1"}
    return {"metadata": meta, "spec": spec, "status": {**status, "draining": [{"revision": "r0", "sessions": 2}]}}


def _conditions() -> Iterable[tuple[str, str, str]]:
    """The operator's conditions, each with every status and every reason that there is."""
    body = {"metadata": {"name": "receptionist", "namespace": "default", "generation": 1}, "spec": {}}
    types = judge(Findings(agent=body, deployment=None, pods=[], readings={}), read_rollout(None, 1), NOON)
    words = [value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)]
    return [(kind, status, reason) for kind in types for status in ("True", "False", "Unknown") for reason in words]


def operator_text() -> bytes:
    """An operator's /metrics."""
    metrics, tables = Metrics(CollectorRegistry()), Tables()
    register_gauges(metrics, WorkQueue(lambda: 0.0), tables, lambda: True)
    tables.note(VOICE_AGENT, None, agent_body())
    metrics.requests.labels("GET", "200")
    metrics.request_seconds.labels("GET")
    for kind in tables.counts():
        metrics.watch_errors.labels(kind, "410")
    return generate_latest(metrics.registry)


async def gateway_text(folder: Path) -> bytes:
    """A gateway's /metrics."""
    turn = TurnRecord(at=NOON, stt_milliseconds=1, llm_ttft_milliseconds=1, tts_ttfb_milliseconds=1, e2e_milliseconds=9)
    ended = {"ended_at": NOON - timedelta(minutes=1), "outcome": "completed"}
    answering = view(call("s1", prompt=9, stt=6.0, turns=[turn]), call("s2", **ended))
    pods = [
        answering,
        PodView(replace(POD, uid="u2", name="b"), None, None, "it did not answer in time", 1),
        PodView(replace(POD, uid="u3", name="c")),
        PodView(replace(POD, uid="u4", name="d", terminating=True), answering.status, NOON),
        PodView(replace(POD, uid="u5", name="e", ready=False), answering.status, NOON),
    ]
    counters = GatewayCounters()
    counters.tokens.labels("default", "receptionist")
    counters.dispatches.labels("default", "receptionist")
    counters.refusals.labels("agent-full")
    once = RateLimits(address_per_minute=1, caller_per_minute=1, unknown_keys_per_minute=1)
    limits = limits_of(once, MemoryBuckets(), counters.rate_limited)
    for limit in (limits.address, limits.caller, limits.unknown_key):
        for _ in range(2):
            with suppress(ProblemError):
                await limit.take("198.18.0.1")
    async with keeping(Here(views=[answering]), folder) as keeper:
        counters.registry.register(UsageFamilies(keeper))
        await keeper.look()
        return counters.text(merge(pods, (), NOON), as_openmetrics=False)[0]


def worker_text() -> bytes:
    """A worker's /metrics."""
    metrics = WorkerMetrics(Identity("default", "receptionist", "r1"), [("llm", "openai")])
    metrics.plugins.expect(["profanity_filter"], ["calendar"])
    metrics.expect_models([("llm", "openai", "gpt"), ("stt", "deepgram", "nova"), ("tts", "openai", "tts-1")])
    registry = SessionRegistry(
        clock=lambda: NOON, on_change=lambda event, old, new: metrics.observe(event, old, new, registry.active)
    )
    registry.handle(SessionStarted(session="s", room="lobby", at=NOON, config_revision="c"))
    registry.handle(PluginReported(session="s", plugin="profanity_filter", name="words", value=1.0, counted=True))
    registry.handle(PluginReported(session="s", plugin="profanity_filter", name="length", value=1.0, counted=False))
    return metrics.text()


async def exposed(folder: Path) -> Exposed:
    """All three."""
    return Exposed().take_in(operator_text()).take_in(await gateway_text(folder)).take_in(worker_text())
