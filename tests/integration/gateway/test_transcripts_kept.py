"""Transcripts by a gateway process, before a real API server: kept while the manifest asks, erased for good."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from transcribed_pod import TOKEN, ServedPod

SAID = "the walrus eats lemons"
MORE = "and no marmalade at all"
FINALIZER = "voiceagents.dev/test"


@pytest.fixture
def pod(place: Any, tmp_path: Path) -> Iterator[ServedPod]:
    pod = ServedPod(tmp_path / "pod", now=datetime.now(UTC))
    pod.serve()
    place.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "receptionist-control", "namespace": place.namespace},
            "stringData": {"token": TOKEN},
        }
    )
    place.voice_agent(transcripts={"enabled": True, "retentionHours": 2})
    place.pod("receptionist-a", pod.port)
    yield pod
    place.delete("pod", "receptionist-a")
    pod.close()


def texts(gateway: Any, session: str) -> list[str] | None:
    response = gateway.get(f"/sessions/{session}/transcript")
    if response.status_code == 404:
        assert response.json()["type"].endswith("/no-transcript")
        return None
    assert response.status_code == 200, response.text
    return [line["text"] for line in response.json()["lines"]]


def hold(place: Any, pod: str, *finalizers: str) -> None:
    """Have it be there after its deletion, as a pod is while it ends; or not."""
    patch = json.dumps({"metadata": {"finalizers": finalizers}})
    place.cluster.do("patch", "pod", pod, "--namespace", place.namespace, "--type=merge", "-p", patch)


def test_transcripts_live_as_long_as_the_manifest_asks_and_nobody_erases_them(
    place: Any, pod: ServedPod, start_gateway: Callable[..., Any], kubeconfig_everywhere: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()

    def start() -> Any:
        gateway = start_gateway(kubeconfig_everywhere, f"--data-dir={data}", f"--namespace={place.namespace}")
        gateway.until(gateway.ready)
        return gateway

    def on_disk(text: str) -> bool:
        return any(text.encode() in file.read_bytes() for file in sorted(data.iterdir()))

    gateway = start()
    pod.start("AJ_1")
    pod.say("AJ_1", SAID)
    gateway.until(lambda: texts(gateway, "AJ_1") == [SAID])
    logs = gateway.log
    gateway.kill()
    pod.say("AJ_1", MORE, who="agent")
    pod.end("AJ_1")
    pod.start("AJ_2")
    pod.say("AJ_2", MORE)
    gateway = start()
    gateway.until(lambda: texts(gateway, "AJ_1") == [SAID, MORE])
    answer = gateway.get("/sessions/AJ_1/transcript").json()
    assert (answer["agent"], answer["room"], answer["running"], answer["retention_hours"]) == (
        "receptionist",
        "lobby",
        False,
        2,
    )
    (live,) = gateway.get("/fleet", headers={"Accept": "application/json"}).json()["agents"][0]["live"]
    assert (live["id"], live["caller_words"], live["transcript"]) == ("AJ_2", 5, True)
    for path in ("/fleet", "/metrics", "/metrics/sessions", "/metrics/history", "/agents", "/usage"):
        text = gateway.get(path, headers={"Accept": "application/json"}).text
        assert "walrus" not in text
        assert "marmalade" not in text

    erased = httpx.delete(f"{gateway.address}/sessions/AJ_1/transcript", timeout=10, trust_env=False)
    assert erased.status_code == 204
    again = httpx.delete(f"{gateway.address}/sessions/AJ_1/transcript", timeout=10, trust_env=False)
    assert again.status_code == 204
    assert texts(gateway, "AJ_1") is None
    assert not on_disk(SAID)
    gateway.until(lambda: pod.held.of("AJ_1").lines == [])
    gateway.until(lambda: texts(gateway, "AJ_2") == [MORE])
    assert on_disk(MORE)

    place.voice_agent(transcripts={"enabled": False})
    pod.obey(False)
    gateway.until(lambda: texts(gateway, "AJ_2") is None)
    gateway.until(lambda: not on_disk(MORE))
    pod.start("AJ_3")
    pod.say("AJ_3", SAID)

    def counted() -> bool:
        found = gateway.get("/fleet", headers={"Accept": "application/json"}).json()["agents"][0]["live"]
        return any((one["id"], one["caller_words"], one["transcript"]) == ("AJ_3", 4, False) for one in found)

    gateway.until(counted)
    assert texts(gateway, "AJ_3") is None
    assert not on_disk("walrus")
    assert "walrus" not in logs + gateway.log
    assert "marmalade" not in logs + gateway.log


def test_the_last_lines_of_a_pod_that_ends_are_kept(
    place: Any, pod: ServedPod, start_gateway: Callable[..., Any], kubeconfig_everywhere: Path, tmp_path: Path
) -> None:
    gateway = start_gateway(kubeconfig_everywhere, f"--data-dir={tmp_path}", f"--namespace={place.namespace}")
    gateway.until(gateway.ready)
    pod.start("AJ_1")
    pod.say("AJ_1", SAID)
    gateway.until(lambda: texts(gateway, "AJ_1") == [SAID])
    hold(place, "receptionist-a", FINALIZER)
    try:
        pod.say("AJ_1", MORE, who="agent")
        pod.end("AJ_1")
        place.cluster.do("delete", "pod", "receptionist-a", "--namespace", place.namespace, "--wait=false")
        pod.drained()
        gateway.until(lambda: texts(gateway, "AJ_1") == [SAID, MORE])
    finally:
        hold(place, "receptionist-a")
