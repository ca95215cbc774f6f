"""The pod's HTTP endpoints."""

from datetime import UTC, datetime

from aiohttp.test_utils import TestClient, TestServer
from voiceagent_api.worker_status import SessionRecord, WorkerStatus
from voiceagent_worker.health import create_app

STATUS = WorkerStatus(
    namespace="default",
    agent="receptionist",
    agent_name="default-receptionist",
    pod="pod-1",
    revision="abc",
    config_revision="0123456789",
    registered=True,
    draining=False,
    sessions=[SessionRecord(id="a", room="r", started_at=datetime(2026, 1, 1, tzinfo=UTC), config_revision="x")],
)


async def ask(path: str, not_ready: str | None = None) -> tuple[int, str, str]:
    app = create_app(lambda: not_ready, lambda: STATUS, lambda: b"voiceagent_sessions_active 0\n")
    async with TestClient(TestServer(app)) as client:
        response = await client.get(path)
        return response.status, await response.text(), response.headers["Content-Type"]


async def test_healthz_is_200_also_while_the_pod_is_not_ready() -> None:
    assert (await ask("/healthz", "Draining."))[0] == 200


async def test_readyz_is_200_when_ready_and_503_with_the_reason_when_not() -> None:
    assert (await ask("/readyz"))[0] == 200
    code, text, _ = await ask("/readyz", "Not registered with LiveKit at ws://x.")
    assert (code, text) == (503, "Not registered with LiveKit at ws://x.\n")


async def test_status_is_the_contracts_json_with_its_camel_case_names() -> None:
    code, text, content_type = await ask("/status")
    assert code == 200 and content_type.startswith("application/json")
    assert WorkerStatus.model_validate_json(text) == STATUS
    assert '"configRevision":"0123456789"' in text and '"startedAt":"2026-01-01T00:00:00Z"' in text


async def test_metrics_are_prometheus_text() -> None:
    code, text, content_type = await ask("/metrics")
    assert (code, text) == (200, "voiceagent_sessions_active 0\n")
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"


async def test_unknown_path_is_404() -> None:
    assert (await ask("/secrets"))[0] == 404
