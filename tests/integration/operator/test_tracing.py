"""Traces, as a collector gets them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(ThreadingHTTPServer):
    """Takes traces by OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in request.resource_spans:
            self.server.services.update(
                one.value.string_value for one in resource.resource.attributes if one.key == "service.name"
            )
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


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
