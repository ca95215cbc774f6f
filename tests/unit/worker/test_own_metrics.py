"""Metrics of third parties: what a call tells, and how the main process adds it up."""

from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Summary
from prometheus_client.parser import text_string_to_metric_families
from voiceagent_worker.events import OwnMetrics, SentEvent, SessionEnded, SessionLost, SessionStarted, decode, encode
from voiceagent_worker.metrics import Identity, WorkerMetrics
from voiceagent_worker.own_metrics import MAX_SAMPLES, OwnMetricsTeller
from voiceagent_worker.pod_metrics import MAX_FAMILIES
from voiceagent_worker.sessions import SessionRegistry

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDENTITY = {"namespace": "default", "agent": "receptionist", "revision": "abc"}


class Pod:
    """The main process, as far as metrics go."""

    def __init__(self, *, enabled: bool = True) -> None:
        self.metrics = WorkerMetrics(Identity(**IDENTITY), enabled=enabled)
        self.sessions = SessionRegistry(
            clock=lambda: NOON,
            on_change=lambda event, before, after: self.metrics.observe(event, before, after, self.sessions.active),
        )

    def value(self, series: str, /, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(series, {**IDENTITY, **labels})


class Call:
    """A call's process with a registry of its own."""

    def __init__(self, pod: Pod, session: str) -> None:
        self._pod, self._session = pod, session
        self.registry = CollectorRegistry()
        self.sent: list[SentEvent] = []
        self._teller = OwnMetricsTeller(session, self.sent.append, self.registry)
        pod.sessions.handle(SessionStarted(session=session, room="room", at=NOON, config_revision="r1"))

    def tell(self) -> None:
        self.sent.clear()
        self._teller.tell()
        for event in self.sent:
            self._pod.sessions.handle(decode(encode(event)))

    def end(self) -> None:
        self._pod.sessions.handle(SessionEnded(session=self._session, at=NOON, outcome="completed"))

    def die(self) -> None:
        self._pod.sessions.handle(SessionLost(session=self._session, at=NOON))


def test_histograms_keep_their_buckets_and_counters_their_sum_over_calls_that_ended_or_died() -> None:
    pod = Pod()
    for number, leave in enumerate((Call.end, Call.die)):
        call = Call(pod, f"s{number}")
        seconds = Histogram("acme_seconds", "Time.", ["desk"], buckets=(0.1, 1), registry=call.registry)
        seconds.labels("front").observe(0.05)
        seconds.labels("front").observe(5 * number)
        Counter("acme_leads", "Leads.", registry=call.registry).inc(2)
        Summary("acme_words", "Words.", registry=call.registry).observe(7)
        call.tell()
        call.tell()
        leave(call)
        leave(call)
    assert [pod.value("acme_seconds_bucket", desk="front", le=le) for le in ("0.1", "1.0", "+Inf")] == [3, 3, 4]
    assert pod.value("acme_seconds_sum", desk="front") == pytest.approx(5.1)
    assert (pod.value("acme_leads_total"), pod.value("acme_words_sum")) == (4, 14)
    families = {family.name: family for family in text_string_to_metric_families(pod.metrics.text().decode())}
    assert families["acme_seconds"].type == "histogram" and families["acme_leads"].type == "counter"
    assert families["acme_seconds"].documentation == "Time."


def test_a_gauge_is_the_sum_of_the_calls_that_run_and_goes_with_them() -> None:
    pod = Pod()
    first, second = Call(pod, "a"), Call(pod, "b")
    for call, value in ((first, 3), (second, 4)):
        Gauge("acme_open", "Open.", registry=call.registry).set(value)
        call.tell()
    assert pod.value("acme_open") == 7
    first.die()
    assert pod.value("acme_open") == 4
    first.tell()
    assert pod.value("acme_open") == 4
    second.end()
    assert pod.value("acme_open") is None and b"acme_open" not in pod.metrics.text()


def test_only_what_changed_is_told_and_a_series_that_was_taken_away_is_gone() -> None:
    pod = Pod()
    call = Call(pod, "a")
    gauge = Gauge("acme_open", "Open.", ["desk"], registry=call.registry)
    Counter("acme_leads", "Leads.", registry=call.registry)
    gauge.labels("front").set(1)
    call.tell()
    assert len(call.sent) == 2 and pod.value("acme_leads_total") == 0
    call.tell()
    assert call.sent == []
    gauge.remove("front")
    call.tell()
    assert len(call.sent) == 1 and pod.value("acme_open", desk="front") is None


def test_what_cannot_be_taken_is_left_out_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    pod = Pod()
    call = Call(pod, "a")
    Counter("voiceagent_leads", "Ours.", registry=call.registry)
    Gauge("acme_where", "Where.", ["agent"], registry=call.registry).labels("x").set(1)
    Info("acme_build", "Build.", registry=call.registry)
    many = Gauge("acme_many", "Many.", ["number"], registry=call.registry)
    for number in range(MAX_SAMPLES + 1):
        many.labels(str(number)).set(1)
    long = Gauge("acme_long", "Long.", ["a", "b", "c"], registry=call.registry)
    for number in range(MAX_SAMPLES):
        long.labels(str(number), "x" * 90, "y" * 90).set(1)
    endless = Gauge("acme_endless", "Endless.", registry=call.registry)
    endless.set(float("inf"))
    call.tell()
    call.tell()
    assert b"acme_" not in pod.metrics.text() and b"voiceagent_leads" not in pod.metrics.text()
    assert len(caplog.records) == 5


def test_a_collector_that_fails_harms_no_call() -> None:
    pod = Pod()
    call = Call(pod, "a")

    def fail() -> float:
        raise RuntimeError("no")

    Gauge("acme_broken", "Broken.", registry=call.registry).set_function(fail)
    call.tell()
    assert call.sent == []


def test_what_calls_make_up_is_bounded_in_the_pod(caplog: pytest.LogCaptureFixture) -> None:
    pod = Pod()
    for number in range(MAX_SAMPLES + 5):
        call = Call(pod, f"s{number}")
        leads = Counter("acme_leads", "Leads.", ["caller"], registry=call.registry)
        leads.labels(f"caller-{number}").inc()
        Counter(f"acme_{number}", "One a call.", registry=call.registry)
        call.tell()
        call.end()
    text = pod.metrics.text().decode()
    assert text.count("acme_leads_total{") == MAX_SAMPLES
    assert sum(line.startswith("# TYPE acme_") for line in text.splitlines()) == MAX_FAMILIES
    assert any("some label is new in each call" in record.message for record in caplog.records)


def test_calls_that_disagree_about_a_metric_do_not_spoil_it() -> None:
    pod = Pod()
    first, second = Call(pod, "a"), Call(pod, "b")
    Counter("acme_leads", "Leads.", registry=first.registry).inc()
    Gauge("acme_leads", "Leads.", registry=second.registry).set(5)
    Gauge("acme_leads_total", "Leads.", registry=second.registry).set(5)
    first.tell()
    second.tell()
    assert pod.value("acme_leads_total") == 1 and pod.value("acme_leads") is None


def test_nothing_is_taken_in_where_nothing_is_to_be_measured() -> None:
    pod = Pod(enabled=False)
    call = Call(pod, "a")
    Counter("acme_leads", "Leads.", registry=call.registry).inc()
    call.tell()
    assert isinstance(call.sent[0], OwnMetrics) and pod.value("acme_leads_total") is None
