"""What Prometheus reads of plugins and tool servers."""

from datetime import UTC, datetime
from typing import Any

from voiceagent_worker.events import (
    Event,
    McpServerTried,
    PluginReported,
    PluginResult,
    PluginsRan,
    PluginsStarted,
    SessionEnded,
    SessionLost,
    SessionStarted,
    decode,
    encode,
)
from voiceagent_worker.metrics import Identity, WorkerMetrics
from voiceagent_worker.plugins.metrics import MAX_REPORTED
from voiceagent_worker.sessions import SessionRegistry

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDENTITY = {"namespace": "default", "agent": "receptionist", "revision": "abc"}


class Pod:
    """A registry and its metrics, as the main process wires them."""

    def __init__(self) -> None:
        self.metrics = WorkerMetrics(Identity(**IDENTITY))
        self.registry = SessionRegistry(
            clock=lambda: NOON,
            on_change=lambda event, before, after: self.metrics.observe(event, before, after, self.registry.active),
        )

    def handle(self, *events: Event) -> "Pod":
        for event in events:
            self.registry.handle(event)
        return self

    def value(self, series: str, /, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(series, {**IDENTITY, **labels})


def started(session: str) -> SessionStarted:
    return SessionStarted(session=session, room="room", at=NOON, config_revision="r1")


def ran(**fields: Any) -> PluginsRan:
    result = PluginResult(**{"plugin": "crm", "occasion": "user", "outcome": "ok", "seconds": 0.003, **fields})
    return PluginsRan(session="a", results=[result])


def test_calls_are_counted_by_plugin_direction_and_outcome() -> None:
    pod = Pod().handle(
        started("a"), ran(), ran(changed=True), ran(outcome="timeout"), ran(outcome="error"), ran(outcome="open")
    )
    by = {"plugin": "crm", "direction": "user"}
    calls = {o: pod.value("voiceagent_plugin_calls_total", outcome=o, **by) for o in ("ok", "error", "timeout", "open")}
    assert calls == {"ok": 2, "error": 1, "timeout": 1, "open": 1}
    assert pod.value("voiceagent_plugin_errors_total", **by) == 2
    assert pod.value("voiceagent_plugin_changes_total", **by) == 1
    assert pod.value("voiceagent_plugin_seconds_count", **by) == 4
    assert pod.value("voiceagent_plugin_seconds_bucket", le="0.005", **by) == 4


def test_a_plugin_is_active_in_the_calls_that_run_now() -> None:
    pod = Pod().handle(*map(started, "ab"))
    pod.handle(*(PluginsStarted(session=session, plugins=["crm", "example"]) for session in "ab"))
    pod.handle(PluginsStarted(session="a", plugins=["crm"]))
    assert pod.value("voiceagent_plugins_active", plugin="crm") == 2
    assert pod.value("voiceagent_plugins_active", plugin="example") == 1
    pod.handle(SessionEnded(session="a", at=NOON, outcome="completed"), SessionLost(session="b", at=NOON))
    assert pod.value("voiceagent_plugins_active", plugin="crm") == 0
    assert pod.value("voiceagent_plugins_active", plugin="example") == 0


def test_status_tells_the_plugins_of_a_call() -> None:
    pod = Pod().handle(started("a"), PluginsStarted(session="a", plugins=["crm"]))
    assert pod.registry.records()[0].plugins == ["crm"]


def test_what_plugins_count_and_measure_themselves_is_in_the_same_registry_and_bounded() -> None:
    def reported(name: str, value: float, counted: bool) -> PluginReported:
        return PluginReported(session="a", plugin="crm", name=name, value=value, counted=counted)

    pod = Pod().handle(started("a"), reported("leads", 2, True), reported("score", -0.5, False))
    assert pod.value("voiceagent_plugin_events_total", plugin="crm", name="leads") == 2
    assert pod.value("voiceagent_plugin_observations_sum", plugin="crm", name="score") == -0.5
    pod.handle(*(reported(f"n{number}", 1, True) for number in range(MAX_REPORTED + 5)))
    names = [s.labels["name"] for m in pod.metrics.registry.collect() for s in m.samples if "name" in s.labels]
    assert len(set(names)) == MAX_REPORTED


def test_tool_servers_are_counted_by_outcome() -> None:
    pod = Pod().handle(started("a"), *(McpServerTried(session="a", server="crm", ok=ok) for ok in (False, True)))
    assert pod.value("voiceagent_mcp_connections_total", server="crm", outcome="ok") == 1
    assert pod.value("voiceagent_mcp_connections_total", server="crm", outcome="error") == 1


def test_nothing_is_counted_of_a_call_that_is_not_known_or_over() -> None:
    pod = Pod().handle(ran())
    pod.handle(started("a"), SessionEnded(session="a", at=NOON, outcome="completed"), ran())
    assert pod.value("voiceagent_plugin_calls_total", plugin="crm", direction="user", outcome="ok") is None


def test_events_survive_the_line_between_the_processes() -> None:
    for event in (ran(changed=True), PluginsStarted(session="a", plugins=["x"])):
        assert decode(encode(event)) == event
