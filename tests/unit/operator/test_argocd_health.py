"""The health that Argo CD shows for each state of a VoiceAgent, by the script that users give it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lupa import lua51
from voiceagent_operator.findings import Findings
from voiceagent_operator.reasons import Problem
from voiceagent_operator.status import build_status

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SCRIPT = Path(__file__).resolve().parents[3] / "deploy" / "argocd" / "health.lua"
MISSING = Problem("LiveKitSecretMissing", "Secret default/livekit is missing.")


def health(body: dict[str, Any]) -> tuple[str, str]:
    """Status and message for an object, from the language version that Argo CD has."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(body, recursive=True)
    found = lua.execute(SCRIPT.read_text(encoding="utf-8"))
    return found.status, found.message


def deployment(ready: int, updated: int, **more: Any) -> dict[str, Any]:
    status = {"observedGeneration": 1, "replicas": 2, "readyReplicas": ready, "updatedReplicas": updated, **more}
    return {"metadata": {"generation": 1}, "spec": {"replicas": 2}, "status": status}


STOPPED = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]


@pytest.mark.parametrize(
    ("found", "status", "message"),
    [
        ({"deployment": deployment(2, 2)}, "Healthy", "2 of 2 worker pods are ready."),
        ({"deployment": deployment(1, 2)}, "Progressing", "1 of 2 worker pods are ready."),
        ({"deployment": deployment(2, 1)}, "Progressing", "1 of 2 worker pods of the newest revision exist"),
        ({"deployment": deployment(2, 1, conditions=STOPPED)}, "Degraded", "New worker pods do not get ready in time"),
        ({"deployment": deployment(2, 2), "livekit": MISSING}, "Progressing", MISSING.message),
        ({"hindrance": Problem("UnknownProvider", "No such provider.")}, "Degraded", "No such provider."),
        (
            {
                "suspended": True,
                "wanted_replicas": 0,
                "deployment": {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}},
            },
            "Suspended",
            "Suspended by spec.suspend",
        ),
    ],
)
def test_each_state_has_its_health(
    manifest: Callable[..., dict[str, Any]], found: dict[str, Any], status: str, message: str
) -> None:
    body = manifest(suspend=bool(found.get("suspended")))
    body["status"] = build_status(Findings(agent=body, **{"wanted_replicas": 2, **found}), NOW)
    told = health(body)
    assert told[0] == status
    assert told[1].startswith(message)


def test_a_change_that_the_operator_has_not_seen_is_progressing(manifest: Callable[..., dict[str, Any]]) -> None:
    body = manifest()
    assert health(body)[0] == "Progressing"
    body["status"] = build_status(Findings(agent=body, wanted_replicas=2, deployment=deployment(2, 2)), NOW)
    body["metadata"]["generation"] += 1
    assert health(body)[0] == "Progressing"
