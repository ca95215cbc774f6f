"""Killing a worker as running out of memory would: at once and without a word, from the machine of the nodes."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from on_sandbox import Kubectl
from voiceagent_caller import Call

_WORKER = b"voiceagent_worker"


PATIENCE_SECONDS = 60


async def kill_worker_of(kubectl: Kubectl, agent: str, call: Call) -> float:
    """Kill the worker that serves a call; the seconds until another agent is in its room."""
    first = call.agent_identity
    kill_worker(pod_of_room(kubectl, agent, call.room))
    killed_at = time.monotonic()
    await call.until(
        lambda: call.agent_identity if call.agent_identity not in (None, first) else None,
        timeout_seconds=PATIENCE_SECONDS,
        otherwise=lambda: "no other agent came",
    )
    return time.monotonic() - killed_at


def pod_of_room(kubectl: Kubectl, agent: str, room: str) -> dict[str, Any]:
    """The worker pod that serves a room; fails where none does."""
    for pod in kubectl.pods(agent):
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}:8080/proxy/status"
        told = kubectl.run("get", "--raw", path)
        if f'"room":"{room}"' in told.stdout.replace(": ", ":"):
            return pod
    raise AssertionError(f"no pod of {agent} serves room {room}")


def kill_worker(pod: dict[str, Any]) -> None:
    """Kill the first process of a pod's container, and with it all of the container's."""
    uid = pod["metadata"]["uid"]
    marks = (uid, uid.replace("-", "_"))
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            command, groups = (folder / "cmdline").read_bytes(), (folder / "cgroup").read_text()
        except OSError:
            continue
        if _WORKER in command and any(mark in groups for mark in marks):
            found.append(int(folder.name))
    assert found, f"no worker process of pod {pod['metadata']['name']} on this machine"
    os.kill(min(found), signal.SIGKILL)
