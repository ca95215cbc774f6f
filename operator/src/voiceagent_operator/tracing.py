"""OpenTelemetry traces, where the environment names an OTLP endpoint; elsewhere nothing is even imported.

A span for each reconcile, one below it for each request to the API server.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

Attributes = Mapping[str, Any]
Span = Callable[[str, Attributes], AbstractContextManager[None]]
"""Opens a span of that name for as long as the block runs."""

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@contextlib.contextmanager
def no_span(_: str, __: Attributes) -> Iterator[None]:
    """What is used where nobody wants traces."""
    yield


def set_up_tracing(environment: Mapping[str, str], service: str) -> tuple[Span, Callable[[], None]]:
    """How to open spans, and what to call at the end so that none is lost."""
    if not any(environment.get(name) for name in ENDPOINT_VARIABLES):
        return no_span, lambda: None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer(service)

    @contextlib.contextmanager
    def span(name: str, attributes: Attributes) -> Iterator[None]:
        with tracer.start_as_current_span(name, attributes=dict(attributes)):
            yield

    return span, provider.shutdown
