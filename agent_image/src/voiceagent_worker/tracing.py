"""OpenTelemetry traces of a call's turns, where the environment names an OTLP endpoint; elsewhere nothing is set up.

livekit-agents opens the spans (session, turns, models, tools). What was said, instructions and tools' results are
taken out before a span leaves the process.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

logger = logging.getLogger(__name__)

ENDPOINT_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SERVICE: Final = "voiceagent-worker"
FLUSH_SECONDS: Final = 3.0


def set_up_tracing(environment: Mapping[str, str]) -> "TracerProvider | None":
    """Have the spans of this process sent; None where nobody wants them."""
    if not any(environment.get(name) for name in ENDPOINT_VARIABLES):
        return None
    from livekit.agents.telemetry import set_tracer_provider
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": environment.get("OTEL_SERVICE_NAME", SERVICE)}))
    # before the exporter, so that it works on what that one gets
    set_tracer_provider(provider, allow_pii=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


async def flush_traces(provider: "TracerProvider | None") -> None:
    """Send what is left, within FLUSH_SECONDS: the process is about to end."""
    if provider is None:
        return
    try:
        async with asyncio.timeout(FLUSH_SECONDS):
            await asyncio.to_thread(provider.force_flush, int(FLUSH_SECONDS * 1000))
    except TimeoutError:
        logger.warning("The call's last traces could not be sent within %.0f s", FLUSH_SECONDS)
