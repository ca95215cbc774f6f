"""What the doctor finds on a cluster where much is missing."""

import json
from pathlib import Path
from typing import Any

from local_livekit import livekit_server

NOT_INSTALLED = (Path(__file__).parent / "doctor.txt").read_text(encoding="utf-8")


def test_what_is_missing_is_told_with_its_cure(desk: Any) -> None:
    desk.apply(livekit={"url": "ws://127.0.0.1:1"})
    desk.secret("livekit", LIVEKIT_API_KEY="key", LIVEKIT_API_SECRET="value")
    desk.secret("openai", OTHER="value")
    done = desk.voiceagent("doctor")
    assert done.code == 1
    checks = {one["check"]: one for one in json.loads(desk.voiceagent("doctor", "-o", "json").out)}
    filled = NOT_INSTALLED.format(
        version=checks["Cluster"]["found"].removeprefix("Kubernetes "),
        livekit="ws://127.0.0.1:1",
        fault=checks["LiveKit"]["found"].removeprefix("ws://127.0.0.1:1: "),
        namespace=desk.namespace,
    )
    assert done.out == filled
    assert "Cannot connect" in checks["LiveKit"]["found"]
    named = desk.voiceagent("doctor", "-o", "name").out.splitlines()
    assert named == [
        "Operator", "Gateway", "LiveKit", "Secrets of receptionist", "Secrets of receptionist", "Agent receptionist"
    ]  # fmt: skip


def test_a_livekit_server_that_answers_is_told(desk: Any, tmp_path: Path) -> None:
    with livekit_server(tmp_path) as livekit:
        desk.apply(livekit={"url": "ws://inside.test:7880", "publicURL": livekit.url})
        checks = {one["check"]: one for one in json.loads(desk.voiceagent("doctor", "-o", "json").out)}
    assert checks["LiveKit"] == {"check": "LiveKit", "verdict": "ok", "found": f"{livekit.url} answers", "cure": ""}


def test_who_may_look_at_nothing_is_told_so(stranger: Any) -> None:
    done = stranger.voiceagent("doctor", "-o", "json")
    assert done.code == 0
    verdicts = {one["check"]: one["verdict"] for one in json.loads(done.out)}
    assert verdicts.pop("Cluster") == "ok"
    assert set(verdicts.values()) == {"note"}
