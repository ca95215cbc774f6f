"""Talking to the sandbox from tests and benchmarks: kubectl, waiting, and where things are."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from voiceagent_sandbox.paths import REPO, default_paths

ADDRESS = "http://localhost:8080"
EXAMPLE = REPO / "crds" / "examples" / "receptionist.yaml"
ARTEFACTS = REPO / "build" / "e2e"
PATIENCE_SECONDS = 240


@dataclass(frozen=True)
class Kubectl:
    """kubectl against the sandbox's cluster."""

    program: str
    kubeconfig: Path

    def run(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run and return everything that it said, whatever its exit code."""
        env = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        return subprocess.run(
            [self.program, *words],
            input=stdin,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def __call__(self, *words: str, stdin: str | None = None) -> str:
        """Run and return standard output; a failure fails the test with kubectl's own words."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout

    def get(self, *words: str) -> Any:
        """What `kubectl get … -o json` says."""
        return json.loads(self("get", *words, "-o", "json"))

    def apply(self, manifest: dict[str, Any]) -> str:
        """Apply one object."""
        return self("apply", "-f", "-", stdin=json.dumps(manifest))

    def condition(self, name: str, kind: str) -> dict[str, Any]:
        """A condition of a VoiceAgent, or an empty one."""
        conditions = self.get("voiceagent", name).get("status", {}).get("conditions", [])
        return next((c for c in conditions if c["type"] == kind), {"status": "", "reason": "", "message": ""})

    def pods(self, agent: str) -> list[dict[str, Any]]:
        """The worker pods of an agent that are not on their way out."""
        items = self.get("pods", "-l", f"voiceagents.dev/agent={agent}")["items"]
        return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]

    def wait_ready(self, name: str) -> None:
        """Until the VoiceAgent is Ready for its newest generation."""
        self("wait", "--for=condition=Ready", f"voiceagent/{name}", f"--timeout={PATIENCE_SECONDS}s")


def sessions(web: httpx.Client) -> dict[str, Any]:
    """The running and the latest ended calls, as the gateway's fleet page tells them."""
    answer: dict[str, Any] = web.get("/metrics/sessions").raise_for_status().json()
    return answer


T = TypeVar("T")


def eventually(look: Callable[[], T], holds: Callable[[T], bool], seconds: float = PATIENCE_SECONDS) -> T:
    """Look again until it holds; at the deadline fail with what was last seen."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if holds(seen):
            return seen
        if time.monotonic() > deadline:
            pytest.fail(f"Not within {seconds:.0f} s; last seen: {seen}")
        time.sleep(0.5)


def sandbox_kubectl() -> Kubectl:
    """kubectl with the sandbox's kubeconfig; fails with what to do when the sandbox is not up."""
    paths = default_paths(dict(os.environ))
    program = paths.cache / "bin" / "kubectl"
    assert paths.kubeconfig.exists() and program.exists(), "The sandbox is not up; run `make sandbox-up`."
    return Kubectl(str(program), paths.kubeconfig)
