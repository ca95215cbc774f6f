"""Traces of a turn, as a collector gets them, and what it is not told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from local_livekit import LiveKit
from otlp_collector import Collector, otlp_collector
from person import Caller
from speech_server import speech_server
from worker_process import RunningWorker, ended, metric, until, until_ready


@pytest.fixture
def collector() -> Iterator[Collector]:
    with otlp_collector() as server:
        yield server


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
