"""Traces of a turn, as a collector gets them, and what it is not told."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from local_livekit import LiveKit
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from person import Caller
from speech_server import speech_server
from worker_process import RunningWorker, ended, metric, until, until_ready


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


async def test_a_turn_is_traced_without_what_was_said_and_measured_by_model(
    livekit: LiveKit, start_worker: Callable[..., RunningWorker], collector: Collector, tmp_path: Path
) -> None:
    with speech_server(tmp_path) as speech:
        speech.script({"match": "my name is Ann", "say": "Nice to meet you, Ann."})
        worker = start_worker(
            livekit,
            provider_url=f"{speech.url}/v1",
            environment={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address},
        )
        await until_ready(worker)
        async with Caller(livekit, worker) as caller:
            await caller.agent()
            await caller.type("Hello, my name is Ann.")
            await caller.hears("Nice to meet you, Ann.")

            async def counted() -> bool:
                name = "voiceagent_llm_latency_seconds_count"
                return await metric(worker, name) > 0 and "gpt-4o-mini" in (await worker.get("/metrics"))[1]

            await until(counted, 60.0, "the whole answer's latency and its tokens")
            told = (await worker.status())["metrics"]
            assert told["sessions"]["active_count"] == 1
            assert set(told["performance"]) >= {"avg_stt_latency", "avg_llm_latency", "avg_tts_latency"}
        await ended(worker, caller.name, 60.0)

    async def traced() -> bool:
        return {"llm_node", "tts_node"} <= {span.name for span in collector.spans}

    await until(traced, 60.0, f"spans of a turn in {sorted({span.name for span in collector.spans})}")
    assert collector.services == {"voiceagent-worker"}
    everything = "".join(str(span) for span in collector.spans)
    for hidden in ("Ann", "You answer the phone", worker.provider_key):
        assert hidden not in everything
