"""How long the demo takes by step, an agent needs to become Ready, and an answer to a spoken word.

Run by `make bench-demo` on a sandbox that is up. Prints a table and writes build/bench/demo.json.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import time
from typing import Any

import httpx
from figures import Figure, report
from on_sandbox import ADDRESS, EXAMPLE, Kubectl, eventually, sandbox_kubectl
from voiceagent_caller import CallOptions, CallReport, Utterance, make_call
from voiceagent_sandbox.paths import REPO, default_paths

QUESTIONS = ("Are you open on Saturday?", "Where are you?", "How much is a cleaning?", "Can I pay by card?")
STARTS = 3
PODS, EDITS, PATIENCE_SECONDS = 3, 5, 120


def warm_demo() -> list[Figure]:
    """`make demo` once more, by step: the cache is full and the sandbox is there."""
    started = time.monotonic()
    subprocess.run(["make", "--no-print-directory", "demo"], cwd=REPO, check=True, capture_output=True)
    whole = time.monotonic() - started
    sandbox: dict[str, float] = json.loads((REPO / "build" / "sandbox" / "up.json").read_text())
    demo: dict[str, Any] = json.loads((REPO / "build" / "demo" / "call.json").read_text())
    steps = {
        **sandbox,
        "kubectl apply to Ready": demo["apply_to_ready_seconds"],
        "the call": demo["call_seconds"],
    }
    rest = whole - sum(steps.values())
    return [
        *(Figure(f"warm: {title}", seconds, "s") for title, seconds in steps.items()),
        Figure("warm: the rest, such as the look at the Python environment", rest, "s"),
        Figure("warm: all of `make demo` but the call", whole - demo["call_seconds"], "s", 120),
    ]


def python_environment() -> Figure:
    """The Python environment of `make demo` made anew, packages from uv's cache."""
    folder = REPO / "build" / "bench" / "venv"
    shutil.rmtree(folder, ignore_errors=True)
    started = time.monotonic()
    command = [
        "make",
        "--no-print-directory",
        f"VENV={folder.relative_to(REPO)}",
        f"{folder.relative_to(REPO)}/.installed",
    ]
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
    took = time.monotonic() - started
    shutil.rmtree(folder)
    return Figure("the Python environment made anew", took, "s")


def first_times() -> list[Figure]:
    """Each step of the sandbox as it took the first time on this machine, with whatever else ran then."""
    file = default_paths(dict(os.environ)).cache / "first-times.json"
    steps: dict[str, float] = json.loads(file.read_text()) if file.exists() else {}
    figures = [Figure(f"first time: {title}", seconds, "s") for title, seconds in steps.items()]
    return [*figures, Figure("first time: all of the sandbox", sum(steps.values()), "s", 3600)]


def apply_to_ready(kubectl: Kubectl) -> Figure:
    """The median time from `kubectl apply` of the first manifest to Ready, with the image on the node."""
    seconds = []
    for _ in range(STARTS):
        kubectl("delete", "voiceagent", "--all", "--ignore-not-found")
        eventually(lambda: kubectl.pods("receptionist"), lambda pods: not pods)
        started = time.monotonic()
        kubectl("apply", "-f", str(EXAMPLE))
        kubectl.wait_ready("receptionist")
        seconds.append(time.monotonic() - started)
    return Figure("kubectl apply to Ready, median", statistics.median(seconds), "s", 30)


def hot_edit(kubectl: Kubectl) -> Figure:
    """The median time from the apply of changed instructions until every pod has them and the status says so."""
    kubectl("scale", "va/receptionist", f"--replicas={PODS}")
    eventually(lambda: kubectl.get("va", "receptionist")["status"].get("readyReplicas"), lambda ready: ready == PODS)
    pods = sorted(pod["metadata"]["uid"] for pod in kubectl.pods("receptionist"))
    seconds = []
    for number in range(EDITS):
        patch = json.dumps({"spec": {"instructions": f"You answer the phone of Blue Dental. This is edit {number}."}})
        started = time.monotonic()
        kubectl("patch", "va", "receptionist", "--type=merge", "-p", patch)
        generation = kubectl.get("va", "receptionist")["metadata"]["generation"]
        while True:
            synced = kubectl.condition("receptionist", "ConfigSynced")
            if (synced["status"], synced.get("observedGeneration")) == ("True", generation):
                break
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise SystemExit(f"ConfigSynced is not True after {PATIENCE_SECONDS} s: {synced}")
        seconds.append(time.monotonic() - started)
    if sorted(pod["metadata"]["uid"] for pod in kubectl.pods("receptionist")) != pods:
        raise SystemExit("An edit of the instructions replaced a pod.")
    return Figure(f"changed instructions to ConfigSynced on {PODS} pods, median", statistics.median(seconds), "s", 3)


def spoken_turns() -> list[Figure]:
    """One call with several questions: the silence that the caller hears, and what it is made of."""
    report: CallReport = asyncio.run(
        make_call(CallOptions(gateway=ADDRESS, speech=ADDRESS, utterances=tuple(Utterance(text=q) for q in QUESTIONS)))
    )
    ended: list[dict[str, Any]] = eventually(
        lambda: [s for s in httpx.get(f"{ADDRESS}/metrics/sessions").json()["recent"] if s["room"] == report.room],
        lambda found: bool(found),
        seconds=60,
    )
    turns = ended[0]["turns"]

    def middle(key: str) -> float:
        measured = [turn[key] for turn in turns if turn.get(key) is not None]
        return statistics.median(measured) if measured else float("nan")

    errors = [turn.word_error_rate for turn in report.turns]
    return [
        Figure(
            "last word to first sound, median",
            statistics.median(t.silence_seconds for t in report.turns),
            "s",
            4,
        ),
        Figure("  of it: end of speech to transcript", middle("stt_latency"), "ms"),
        Figure("  of it: LLM to first token", middle("ttft"), "ms"),
        Figure("  of it: TTS to first byte", middle("ttfb"), "ms"),
        Figure("word error rate of the heard answers, mean", statistics.mean(errors), "", 0.2),
    ]


def main() -> None:
    kubectl = sandbox_kubectl()
    report(
        "demo",
        [
            *first_times(),
            python_environment(),
            *warm_demo(),
            apply_to_ready(kubectl),
            *spoken_turns(),
            hot_edit(kubectl),
        ],
    )


if __name__ == "__main__":
    main()
