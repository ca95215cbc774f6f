"""What an owner does to a running agent while people talk to it, each change until it is done."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import yaml
from call_fleet import CallFleet, Report
from on_sandbox import EXAMPLE, Kubectl, eventually

AGENT: Final = "front-desk"
PODS: Final = 3
CALLS: Final = 6
SYSTEM: Final = "voiceagents-system"
DRAIN_SECONDS: Final = 900
TURNS_EACH: Final = 3


def manifest() -> dict[str, Any]:
    """Three pods of two places each: as many as there are callers."""
    document: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    document["metadata"] = {"name": AGENT, "namespace": "default"}
    document["spec"] |= {
        "replicas": PODS,
        "scaling": {"mode": "Manual", "sessionsPerReplica": CALLS // PODS},
        "sessions": {"maxDurationSeconds": DRAIN_SECONDS, "memoryLimit": "256Mi"},
        "drain": {"timeoutSeconds": DRAIN_SECONDS},
    }
    return document


def bring_up(kubectl: Kubectl) -> None:
    """Have the agent with all its pods, and nothing else that takes the machine's time."""
    kubectl("delete", "voiceagent", "--all", "--ignore-not-found", "--wait=true")
    kubectl("delete", "pods", "-l", "app.kubernetes.io/name=voiceagent", "--force", "--grace-period=0")
    kubectl.apply(manifest())
    kubectl.wait_ready(AGENT)


async def restart(kubectl: Kubectl, deployment: str) -> None:
    await asyncio.to_thread(kubectl, "-n", SYSTEM, "rollout", "restart", f"deployment/{deployment}")
    words = ("-n", SYSTEM, "rollout", "status", f"deployment/{deployment}", "--timeout=180s")
    await asyncio.to_thread(kubectl, *words)


async def scale_to_one(kubectl: Kubectl) -> None:
    """Two pods are told to go, and stay for their calls; then they are wanted again."""
    await asyncio.to_thread(kubectl, "scale", f"va/{AGENT}", "--replicas=1")
    await _until(kubectl, lambda status: sum(entry["pods"] for entry in status.get("draining", [])) == PODS - 1)
    await asyncio.sleep(5)
    await asyncio.to_thread(kubectl, "scale", f"va/{AGENT}", f"--replicas={PODS}")
    await _until(kubectl, lambda status: not status.get("draining") and status.get("readyReplicas") == PODS)


async def drain_node(kubectl: Kubectl) -> None:
    """A node with a worker pod is emptied; the pod finishes its calls, another comes up elsewhere."""
    node = kubectl.pods(AGENT)[0]["spec"]["nodeName"]
    selector = f"--pod-selector=voiceagents.dev/agent={AGENT}"
    try:
        # Until the pod's calls are over it would wait, and so would we.
        await asyncio.to_thread(kubectl.run, "drain", node, selector, "--ignore-daemonsets", "--timeout=20s")
        await _until(kubectl, lambda status: status.get("readyReplicas") == PODS)
    finally:
        await asyncio.to_thread(kubectl, "uncordon", node)


async def roll_out(kubectl: Kubectl) -> None:
    """Every pod is replaced; the old ones keep their calls."""
    change = {"spec": {"podTemplate": {"annotations": {"example.test/turn": str(time.time_ns())}}}}
    await asyncio.to_thread(kubectl, "patch", f"va/{AGENT}", "--type=merge", "-p", json.dumps(change))
    await _until(
        kubectl,
        lambda status: status.get("updatedReplicas") == PODS == status.get("readyReplicas") == status.get("replicas"),
    )


CHANGES: Final[dict[str, Callable[[Kubectl], Awaitable[None]]]] = {
    "operator restart": lambda kubectl: restart(kubectl, "voiceagents-controller"),
    "gateway restart": lambda kubectl: restart(kubectl, "voiceagents-gateway"),
    "scale to 1": scale_to_one,
    "node drain": drain_node,
    "rollout": roll_out,
}


@dataclass(frozen=True)
class Outcome:
    """One change: what became of the calls while it went on, and how long that was."""

    change: str
    seconds: float
    report: Report


async def change_everything(kubectl: Kubectl, fleet: CallFleet) -> tuple[Report, list[Outcome]]:
    """The calls before any change, and during each of the changes."""
    # The first turns of each call find caches empty and the pods' own start not yet over.
    await fleet.talk(TURNS_EACH)
    began = time.monotonic()
    await fleet.talk(2 * TURNS_EACH)
    before = fleet.report(began)
    outcomes = []
    for name, change in CHANGES.items():
        began = time.monotonic()
        work = asyncio.create_task(_as_task(change(kubectl)))
        await fleet.talk(TURNS_EACH)
        await work
        await fleet.talk(1)
        outcomes.append(Outcome(name, time.monotonic() - began, fleet.report(began)))
    return before, outcomes


async def _as_task(work: Awaitable[None]) -> None:
    await work


async def _until(kubectl: Kubectl, holds: Callable[[dict[str, Any]], bool]) -> None:
    def status() -> dict[str, Any]:
        agent = kubectl.get("va", AGENT)
        told: dict[str, Any] = agent.get("status", {})
        return told if told.get("observedGeneration") == agent["metadata"]["generation"] else {}

    await asyncio.to_thread(eventually, status, lambda told: bool(told) and holds(told))
