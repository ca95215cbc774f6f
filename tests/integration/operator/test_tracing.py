"""Traces, as a collector gets them."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from otlp_collector import Collector, otlp_collector


@pytest.fixture
def collector() -> Iterator[Collector]:
    with otlp_collector() as server:
        yield server


def attributes(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


def test_a_reconcile_is_a_span_with_its_requests_below_it(
    collector: Collector, new_operator: Any, space: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
    operator = new_operator("--namespace", space.name)
    operator.start()
    space.apply()
    space.until_deployed()
    operator.stop()  # what was not sent yet is sent at the end
    assert collector.services == {"voiceagent-operator"}
    reconciles = {span.span_id: attributes(span) for span in collector.spans if span.name == "reconcile"}
    assert {"k8s.namespace.name": space.name, "voiceagent.name": "receptionist"} in reconciles.values()
    below = [attributes(span) for span in collector.spans if span.parent_span_id in reconciles]
    path = f"/apis/apps/v1/namespaces/{space.name}/deployments"
    assert {"http.request.method": "POST", "url.path": path} in below
    told = "".join(str(span) for span in collector.spans)
    assert "secret-value" not in told
