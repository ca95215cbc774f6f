"""What Prometheus reads of a pod."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from voiceagent_api.worker_status import ModelUsage, TurnRecord
from voiceagent_sandbox.paths import REPO
from voiceagent_worker.events import (
    Event,
    ModelTimed,
    ProviderFailed,
    SessionEnded,
    SessionLost,
    SessionStarted,
    TurnCompleted,
    UsageReported,
)
from voiceagent_worker.metrics import Identity, WorkerMetrics
from voiceagent_worker.sessions import SessionRegistry

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDENTITY = {"namespace": "default", "agent": "receptionist", "revision": "abc"}


class Pod:
    """A registry and its metrics, as the main process wires them."""

    def __init__(self) -> None:
        self.metrics = WorkerMetrics(Identity(**IDENTITY), [("llm", "openai")])
        self.metrics.plugins.expect(["profanity_filter"], ["calendar"])
        self.metrics.expect_models([("llm", "openai", "gpt-4o-mini"), ("stt", "deepgram", "s"), ("tts", "openai", "t")])
        self.registry = SessionRegistry(
            clock=lambda: NOON,
            on_change=lambda event, before, after: self.metrics.observe(event, before, after, self.registry.active),
        )

    def handle(self, *events: Event) -> "Pod":
        for event in events:
            self.registry.handle(event)
        return self

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {**IDENTITY, **labels})


def started(session: str = "a") -> SessionStarted:
    return SessionStarted(session=session, room="room", at=NOON, config_revision="r1")


def ended(session: str = "a") -> SessionEnded:
    return SessionEnded(session=session, at=NOON + timedelta(seconds=90), outcome="completed")


def test_the_example_for_keda_asks_for_a_number_that_a_pod_tells() -> None:
    example = yaml.safe_load((REPO / "crds/examples/keda.yaml").read_text(encoding="utf-8"))
    query = example["spec"]["triggers"][0]["metadata"]["query"]
    asked = re.fullmatch(r"sum\((\w+)\{(.+)\}\)", query)
    assert asked
    labels = dict(re.findall(r'(\w+)="([^"]*)"', asked[2]))
    families = text_string_to_metric_families(Pod().handle(started()).metrics.text().decode())
    samples = [sample for family in families for sample in family.samples if sample.name == asked[1]]
    assert [sample.value for sample in samples if labels.items() <= sample.labels.items()] == [1]


def test_every_series_carries_namespace_agent_and_revision_and_is_there_from_the_start() -> None:
    families = list(text_string_to_metric_families(Pod().metrics.text().decode()))
    names = {family.name for family in families}
    assert names == {
        "voiceagent_sessions_active",
        "voiceagent_sessions_started",
        "voiceagent_sessions_ended",
        "voiceagent_sessions_refused",
        "voiceagent_sessions_recovered",
        "voiceagent_session_duration_seconds",
        "voiceagent_stt_latency_seconds",
        "voiceagent_llm_ttft_seconds",
        "voiceagent_tts_ttfb_seconds",
        "voiceagent_turn_e2e_latency_seconds",
        "voiceagent_provider_errors",
        "voiceagent_provider_available",
        "voiceagent_llm_latency_seconds",
        "voiceagent_tts_latency_seconds",
        "voiceagent_tts_audio_seconds",
        "voiceagent_llm_tokens",
        "voiceagent_tts_characters",
        "voiceagent_stt_audio_seconds",
        "voiceagent_build_info",
        "voiceagent_plugins_active",
        "voiceagent_plugin_calls",
        "voiceagent_plugin_seconds",
        "voiceagent_plugin_errors",
        "voiceagent_plugin_changes",
        "voiceagent_plugin_events",
        "voiceagent_plugin_observations",
        "voiceagent_mcp_connections",
    }
    of_their_own = {"voiceagent_plugin_events", "voiceagent_plugin_observations"}
    for family in families:
        if family.name in of_their_own:
            continue
        assert family.samples
        for sample in family.samples:
            assert IDENTITY.items() <= sample.labels.items()


def test_call_is_counted_from_its_start_to_its_end() -> None:
    pod = Pod().handle(started())
    assert pod.value("voiceagent_sessions_active") == 1
    assert pod.value("voiceagent_sessions_started_total") == 1
    pod.handle(ended(), ended())
    assert pod.value("voiceagent_sessions_active") == 0
    assert pod.value("voiceagent_sessions_ended_total", outcome="completed") == 1
    assert pod.value("voiceagent_session_duration_seconds_sum") == 90
    assert pod.value("voiceagent_session_duration_seconds_count") == 1


def test_lost_call_is_counted_as_crashed() -> None:
    pod = Pod().handle(started(), SessionLost(session="a", at=NOON))
    assert pod.value("voiceagent_sessions_ended_total", outcome="crashed") == 1
    assert pod.value("voiceagent_sessions_ended_total", outcome="completed") == 0


def test_refused_calls_and_recovered_rooms_are_counted() -> None:
    pod = Pod()
    pod.metrics.refused("full")
    pod.metrics.recovered()
    assert pod.value("voiceagent_sessions_refused_total", reason="full") == 1
    assert pod.value("voiceagent_sessions_refused_total", reason="draining") == 0
    assert pod.value("voiceagent_sessions_recovered_total") == 1


def test_turn_gives_its_latencies_in_seconds_and_leaves_out_what_was_not_measured() -> None:
    turn = TurnRecord(at=NOON, stt_milliseconds=150, llm_ttft_milliseconds=850, e2e_milliseconds=1700)
    pod = Pod().handle(started(), TurnCompleted(session="a", turn=turn))
    assert pod.value("voiceagent_stt_latency_seconds_sum") == pytest.approx(0.15)
    assert pod.value("voiceagent_llm_ttft_seconds_sum") == pytest.approx(0.85)
    assert pod.value("voiceagent_turn_e2e_latency_seconds_bucket", le="2.0") == 1
    assert pod.value("voiceagent_tts_ttfb_seconds_count") == 0


def test_failures_of_providers_are_counted_by_kind_and_provider() -> None:
    pod = Pod()
    assert pod.value("voiceagent_provider_errors_total", kind="llm", provider="openai") == 0
    pod.handle(started(), ProviderFailed(session="a", kind="llm", provider="openai"))
    assert pod.value("voiceagent_provider_errors_total", kind="llm", provider="openai") == 1


def used(total: int, model: str = "gpt-4o-mini") -> ModelUsage:
    return ModelUsage(provider="openai", model=model, llm_prompt_tokens=total, tts_characters=total)


@given(st.permutations([5, 20, 20, 70]))
def test_totals_that_arrive_late_or_twice_are_counted_once_for_each_model(totals: list[int]) -> None:
    pod = Pod().handle(started())
    for total in totals:
        pod.handle(UsageReported(session="a", models=[used(total), used(2 * total, "gpt-5")]))
    by_model = {"provider": "openai", "model": "gpt-4o-mini"}
    assert pod.value("voiceagent_llm_tokens_total", type="prompt", **by_model) == 70
    assert pod.value("voiceagent_llm_tokens_total", type="completion", **by_model) == 0
    assert pod.value("voiceagent_llm_tokens_total", type="prompt", provider="openai", model="gpt-5") == 140
    assert pod.value("voiceagent_tts_characters_total", **by_model) == 70


def test_whole_answers_are_timed_beside_their_beginnings() -> None:
    pod = Pod().handle(started(), ModelTimed(session="a", kind="llm", seconds=1.5))
    assert pod.value("voiceagent_llm_latency_seconds_sum") == 1.5
    assert pod.value("voiceagent_tts_latency_seconds_count") == 0


def test_where_nothing_is_to_be_measured_of_calls_only_the_pod_itself_is_told_of() -> None:
    metrics = WorkerMetrics(Identity(**IDENTITY), [("llm", "openai")], enabled=False)
    registry = SessionRegistry(clock=lambda: NOON, on_change=lambda *change: metrics.observe(*change, 1))
    registry.handle(started())
    registry.handle(ended())
    metrics.refused("full")
    metrics.recovered()
    samples = [s.name for f in text_string_to_metric_families(metrics.text().decode()) for s in f.samples]
    assert samples == ["voiceagent_build_info"]


@given(st.lists(st.sampled_from([started("a"), started("b"), ended("a"), SessionLost(session="b", at=NOON)])))
def test_active_is_always_started_less_ended(events: list[Event]) -> None:
    pod = Pod().handle(*events)
    outcomes = [pod.value("voiceagent_sessions_ended_total", outcome=o) or 0 for o in ("completed", "crashed")]
    assert (pod.value("voiceagent_sessions_active") or 0) == (
        (pod.value("voiceagent_sessions_started_total") or 0) - sum(outcomes)
    )
