"""The pod's Prometheus metrics, all kept in the main process and fed by what the calls tell it.

Sums and counts come from what an event changed in the registry: a repeated or late event never counts twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Final, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.version import package_version
from voiceagent_api.worker_status import ModelUsage, Outcome, SessionRecord, TurnRecord

from voiceagent_worker import PACKAGE
from voiceagent_worker.admission import Refusal
from voiceagent_worker.events import Event, ModelTimed, OwnMetrics, ProviderFailed, SessionStarted, TurnCompleted
from voiceagent_worker.plugins.metrics import PluginMetrics
from voiceagent_worker.pod_metrics import PodMetrics

LATENCY_BUCKETS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
DURATION_BUCKETS: Final = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0)
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Identity:
    """The labels that every metric of a pod carries."""

    namespace: str
    agent: str
    revision: str


IDENTITY_LABELS: Final = ("namespace", "agent", "revision")


class WorkerMetrics:
    """Owns a registry of its own: no global state, and none of the process's default metrics."""

    def __init__(
        self, identity: Identity, providers: Iterable[tuple[ProviderKind, str]] = (), *, enabled: bool = True
    ) -> None:
        """Unless `enabled`, nothing is measured of calls: only what the pod is stays."""
        self._enabled = enabled
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry(auto_describe=True)
        self._identity = astuple(identity)
        self._active = self._gauge("voiceagent_sessions_active", "Calls running now.")
        self._started = self._counter("voiceagent_sessions_started", "Calls handed to this pod.")
        self._ended = self._counter("voiceagent_sessions_ended", "Calls that ended, by how.", ("outcome",))
        self._refused = self._counter(
            "voiceagent_sessions_refused",
            "Calls that LiveKit offered and this pod refused, so that it asked another, by why.",
            ("reason",),
        )
        self._recovered = self._counter(
            "voiceagent_sessions_recovered", "Rooms that got another agent after the call's process had died."
        )
        self._duration = self._histogram(
            "voiceagent_session_duration_seconds", "Length of ended calls.", DURATION_BUCKETS
        )
        self._stt = self._histogram(
            "voiceagent_stt_latency_seconds", "From the caller's last sound to the final transcript."
        )
        self._llm = self._histogram("voiceagent_llm_ttft_seconds", "From asking the language model to its first token.")
        self._tts = self._histogram("voiceagent_tts_ttfb_seconds", "From asking for speech to the first byte of sound.")
        self._e2e = self._histogram(
            "voiceagent_turn_e2e_latency_seconds", "From the caller's last sound to the agent's first."
        )
        self._errors = self._counter(
            "voiceagent_provider_errors",
            "Failed requests to providers, retried ones too.",
            ("kind", "provider"),
        )
        self._available = self._gauge(
            "voiceagent_provider_available",
            "1 while the provider serves, as far as calls and checks found; 0 while it does not.",
            ("kind", "provider"),
        )
        self._llm_whole = self._histogram(
            "voiceagent_llm_latency_seconds", "From asking the language model to the end of its answer."
        )
        self._tts_whole = self._histogram(
            "voiceagent_tts_latency_seconds", "From asking for speech to the last of its sound."
        )
        used = ("provider", "model")
        self._tokens = self._counter("voiceagent_llm_tokens", "Tokens used, by prompt and completion.", (*used, "type"))
        self._characters = self._counter("voiceagent_tts_characters", "Characters turned into speech.", used)
        self._spoken = self._counter("voiceagent_tts_audio_seconds", "Seconds of speech made.", used)
        self._audio = self._counter("voiceagent_stt_audio_seconds", "Seconds of sound turned into text.", used)
        build = self._gauge(
            "voiceagent_build_info", "Versions, as labels of a constant 1.", ("version", "livekit_agents")
        )
        build.labels(*self._identity, package_version(PACKAGE), package_version("livekit-agents")).set(1)
        self.plugins = PluginMetrics(self.registry, IDENTITY_LABELS, self._identity)
        self._own = PodMetrics(IDENTITY_LABELS, self._identity)
        self.registry.register(self._own)
        if enabled:
            self._start_at_zero(providers)

    def expect_models(self, models: Iterable[tuple[ProviderKind, str, str]]) -> None:
        """Have the series of these models (kind, provider, model) at zero before the first is used."""
        if not self._enabled:
            return
        for kind, provider, model in models:
            labels = (*self._identity, provider, model)
            if kind in ("llm", "realtime"):
                for token_type in ("prompt", "completion"):
                    self._tokens.labels(*labels, token_type)
            elif kind == "tts":
                self._characters.labels(*labels)
                self._spoken.labels(*labels)
            else:
                self._audio.labels(*labels)

    def observe(self, event: Event, before: SessionRecord | None, after: SessionRecord | None, active: int) -> None:
        """Count what an event changed: the call's record before and after it, and the number of calls now."""
        if not self._enabled:
            return
        self._active.labels(*self._identity).set(active)
        self.plugins.observe(event, before, after)
        if after is None:
            return
        if isinstance(event, SessionStarted) and before is None:
            self._started.labels(*self._identity).inc()
        if isinstance(event, ProviderFailed) and after.ended_at is None:
            self._errors.labels(*self._identity, event.kind, event.provider).inc()
        if isinstance(event, ModelTimed) and after.ended_at is None:
            whole = self._llm_whole if event.kind == "llm" else self._tts_whole
            whole.labels(*self._identity).observe(event.seconds)
        if isinstance(event, OwnMetrics) and after.ended_at is None:
            self._own.take_in(event.session, event.family)
        if before is None or before is after:
            return
        if isinstance(event, TurnCompleted):
            self._observe_turn(event.turn)
        self._observe_usage(before, after)
        if before.ended_at is None and after.ended_at is not None:
            self._own.ended(after.id)
            self._ended.labels(*self._identity, after.outcome).inc()
            self._duration.labels(*self._identity).observe((after.ended_at - after.started_at).total_seconds())

    def refused(self, reason: Refusal) -> None:
        """Count a call that was not taken."""
        if not self._enabled:
            return
        self._refused.labels(*self._identity, reason).inc()

    def recovered(self) -> None:
        """Count a room that got another agent."""
        if not self._enabled:
            return
        self._recovered.labels(*self._identity).inc()

    def providers(self, available: Mapping[tuple[ProviderKind, str], bool]) -> None:
        """Which providers serve, by kind and name. Those that are configured no more are not told of."""
        self._available.clear()
        for (kind, provider), serves in available.items():
            self._available.labels(*self._identity, kind, provider).set(serves)

    def text(self) -> bytes:
        """The metrics in Prometheus's text format."""
        return generate_latest(self.registry)

    def _observe_turn(self, turn: TurnRecord) -> None:
        for histogram, milliseconds in (
            (self._stt, turn.stt_milliseconds),
            (self._llm, turn.llm_ttft_milliseconds),
            (self._tts, turn.tts_ttfb_milliseconds),
            (self._e2e, turn.e2e_milliseconds),
        ):
            if milliseconds is not None:
                histogram.labels(*self._identity).observe(milliseconds / 1000)

    def _observe_usage(self, before: SessionRecord, after: SessionRecord) -> None:
        known = {(one.provider, one.model): one for one in before.models}
        for one in after.models:
            labels = (*self._identity, one.provider, one.model)
            old = known.get((one.provider, one.model), ModelUsage(provider=one.provider, model=one.model))
            for used, counter, more in (
                (one.llm_prompt_tokens - old.llm_prompt_tokens, self._tokens, ("prompt",)),
                (one.llm_completion_tokens - old.llm_completion_tokens, self._tokens, ("completion",)),
                (one.tts_characters - old.tts_characters, self._characters, ()),
                (one.tts_audio_seconds - old.tts_audio_seconds, self._spoken, ()),
                (one.stt_audio_seconds - old.stt_audio_seconds, self._audio, ()),
            ):
                if used > 0:
                    counter.labels(*labels, *more).inc(used)

    def _start_at_zero(self, providers: Iterable[tuple[ProviderKind, str]]) -> None:
        """All series at once: one that appears with its first event hides that event from `rate()`."""
        for metric in (self._active, self._started, self._recovered):
            metric.labels(*self._identity)
        for histogram in (self._duration, self._stt, self._llm, self._llm_whole, self._tts, self._tts_whole, self._e2e):
            histogram.labels(*self._identity)
        for outcome in get_args(Outcome):
            if outcome != "active":
                self._ended.labels(*self._identity, outcome)
        for reason in get_args(Refusal):
            self._refused.labels(*self._identity, reason)
        for kind, provider in providers:
            self._errors.labels(*self._identity, kind, provider)
            self._available.labels(*self._identity, kind, provider).set(1)

    def _counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(name, text, (*IDENTITY_LABELS, *labels), registry=self.registry)

    def _gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(name, text, (*IDENTITY_LABELS, *labels), registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float] = LATENCY_BUCKETS) -> Histogram:
        return Histogram(name, text, IDENTITY_LABELS, buckets=buckets, registry=self.registry)
