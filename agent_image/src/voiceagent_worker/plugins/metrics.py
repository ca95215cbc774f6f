"""What plugins and servers of tools do, as metrics of the pod; in the main process, fed by the calls' events."""

from collections.abc import Iterable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
from voiceagent_api.worker_status import SessionRecord

from voiceagent_worker.events import Event, McpServerTried, PluginReported, PluginsRan

BUCKETS: Final = (0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
MAX_REPORTED: Final = 200
"""Series that plugins may make for themselves, in a pod."""


class PluginMetrics:
    """Counts by plugin, as the agent's spec names it."""

    def __init__(self, registry: CollectorRegistry, labels: Sequence[str], identity: Sequence[str]) -> None:
        self._identity = tuple(identity)
        self._reported: set[tuple[str, str]] = set()
        self._active = Gauge(
            "voiceagent_plugins_active",
            "Calls running now in which the plugin takes part.",
            (*labels, "plugin"),
            registry=registry,
        )
        self._calls = Counter(
            "voiceagent_plugin_calls",
            "Calls of a plugin, by direction (user, agent, session_start, session_end) and outcome (ok, error, "
            "timeout, or open: not asked because it kept failing).",
            (*labels, "plugin", "direction", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "voiceagent_plugin_seconds",
            "What a plugin took for a message.",
            (*labels, "plugin", "direction"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._errors = Counter(
            "voiceagent_plugin_errors",
            "Calls of a plugin that failed or were late.",
            (*labels, "plugin", "direction"),
            registry=registry,
        )
        self._changes = Counter(
            "voiceagent_plugin_changes",
            "Messages that a plugin changed.",
            (*labels, "plugin", "direction"),
            registry=registry,
        )
        self._events = Counter(
            "voiceagent_plugin_events", "What a plugin counted itself.", (*labels, "plugin", "name"), registry=registry
        )
        self._values = Summary(
            "voiceagent_plugin_observations",
            "What a plugin measured itself.",
            (*labels, "plugin", "name"),
            registry=registry,
        )
        self._tools = Counter(
            "voiceagent_mcp_connections",
            "Tries to reach a server of tools, by outcome (ok, error).",
            (*labels, "server", "outcome"),
            registry=registry,
        )

    def expect(self, plugins: Iterable[str], servers: Iterable[str] = ()) -> None:
        """All series at once: one that appears with its first event hides that event from `rate()`."""
        for plugin in plugins:
            self._active.labels(*self._identity, plugin)
            for direction in ("user", "agent"):
                for outcome in ("ok", "error", "timeout", "open"):
                    self._calls.labels(*self._identity, plugin, direction, outcome)
                for metric in (self._seconds, self._errors, self._changes):
                    metric.labels(*self._identity, plugin, direction)
        for server in servers:
            for outcome in ("ok", "error"):
                self._tools.labels(*self._identity, server, outcome)

    def observe(self, event: Event, before: SessionRecord | None, after: SessionRecord | None) -> None:
        """Count what an event tells, and in which running calls plugins take part."""
        for record, step in ((before, -1), (after, 1)):
            if record is not None and record.ended_at is None and before is not after:
                for plugin in record.plugins:
                    self._active.labels(*self._identity, plugin).inc(step)
        if after is None or (after.ended_at is not None and before is after):
            return
        match event:
            case PluginsRan():
                self._observe_results(event)
            case PluginReported():
                self._observe_report(event)
            case McpServerTried():
                outcome = "ok" if event.ok else "error"
                self._tools.labels(*self._identity, event.server, outcome).inc()

    def _observe_results(self, event: PluginsRan) -> None:
        for result in event.results:
            labels = (*self._identity, result.plugin, result.occasion)
            self._calls.labels(*labels, result.outcome).inc()
            if result.outcome != "open":
                self._seconds.labels(*labels).observe(result.seconds)
            if result.outcome in ("error", "timeout"):
                self._errors.labels(*labels).inc()
            if result.changed:
                self._changes.labels(*labels).inc()

    def _observe_report(self, event: PluginReported) -> None:
        series = (event.plugin, event.name)
        if series not in self._reported:
            if len(self._reported) >= MAX_REPORTED:
                return
            self._reported.add(series)
        if event.counted:
            self._events.labels(*self._identity, *series).inc(max(0.0, event.value))
        else:
            self._values.labels(*self._identity, *series).observe(event.value)
