"""`CLUSTER=existing`: the cluster of the current KUBECONFIG in place of one that the sandbox makes."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from voiceagent_sandbox.credentials import MANAGED_BY, OWNER
from voiceagent_sandbox.install import ADDRESS, CRD
from voiceagent_sandbox.paths import Paths
from voiceagent_sandbox.process import Runner, SandboxError, alive

ANSWER_SECONDS = 30
OURS = (
    *("namespace/livekit", "namespace/speech", "namespace/ingress", "namespace/voiceagents-system"),
    "ingressclass.networking.k8s.io/traefik",
)
"""What the sandbox makes, and takes away again, as a whole."""


class ExistingCluster:
    """A cluster that someone else made: its kubeconfig, how images get into it, and how this machine reaches it."""

    def __init__(self, paths: Paths, runner: Runner, environ: dict[str, str], kubectl: Path) -> None:
        self._paths = paths
        self._runner = runner
        self._environ = environ
        self._kubectl = kubectl
        self._pid_file = paths.run / "port-forward.pid"

    def remember(self) -> None:
        """Copy the current context to where the sandbox's own kubeconfig would be: tools and `down` find it there."""
        named = self._environ.get("KUBECONFIG") or str(Path(self._environ.get("HOME", "")) / ".kube" / "config")
        if not any(Path(file).exists() for file in named.split(os.pathsep) if file):
            raise SandboxError(f"CLUSTER=existing, but {named} is not there. Set KUBECONFIG.")
        view = ("config", "view", "--raw", "--flatten", "--minify")
        text = self._runner.run(self._kubectl, *view, env={"KUBECONFIG": named}, log_output=False)
        self._paths.run.mkdir(parents=True, exist_ok=True)
        unfinished = self._paths.kubeconfig.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(self._paths.kubeconfig)

    def kind_name(self) -> str:
        """The kind cluster's name. Raises SandboxError where the cluster is none, or does not answer."""
        self._run("get", "--raw", "/readyz")
        nodes = json.loads(self._run("get", "nodes", "-o", "json"))["items"]
        name = kind_cluster_of(nodes)
        if name is None:
            raise SandboxError(
                "CLUSTER=existing takes a kind cluster, since images are brought in by `kind load`. For any other, "
                "push the images that `docker build --target` makes to a registry and install the chart."
            )
        return name

    def require_free(self) -> None:
        """Raise SandboxError where the cluster has things of the names that the sandbox would make and delete."""
        found = self._found()
        if others := foreign(found):
            raise SandboxError(
                f"The existing cluster has {', '.join(others)}, which the sandbox did not make and would change. "
                "Remove it, or use another cluster."
            )
        crd = self._run("get", "crd", CRD, "--ignore-not-found", "-o", "name").strip()
        if crd and not found:
            raise SandboxError(
                f"The existing cluster has {crd} already: an operator serves it, and `down` would delete its "
                "VoiceAgents. Use another cluster."
            )

    def holds_ours(self) -> bool:
        """Whether anything in it was made by the sandbox."""
        found = self._found()
        return len(foreign(found)) < len(found)

    def open_door(self) -> None:
        """Have the ingress at localhost: by the cluster's own port mapping, else by a port-forward."""
        if _answers() or self._pid():
            return
        forward = ("-n", "ingress", "port-forward", "--address=127.0.0.1", "deployment/traefik", "8080:8080")
        log = (self._paths.run / "port-forward.log").open("ab")
        process = subprocess.Popen(
            [str(self._kubectl), *forward],
            env={**os.environ, "KUBECONFIG": str(self._paths.kubeconfig)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._pid_file.write_text(str(process.pid), encoding="utf-8")
        deadline = time.monotonic() + ANSWER_SECONDS
        while not _answers():
            if time.monotonic() > deadline:
                raise SandboxError(f"{ADDRESS} does not answer; see {self._paths.run / 'port-forward.log'}.")
            time.sleep(0.5)

    def close_door(self) -> None:
        """End the port-forward, if there is one."""
        if pid := self._pid():
            os.kill(pid, signal.SIGTERM)
        self._pid_file.unlink(missing_ok=True)

    def _found(self) -> list[dict[str, Any]]:
        """Those of `OURS` that are there, whoever made them."""
        said = self._run("get", *OURS, "--ignore-not-found", "-o", "json").strip()
        if not said:
            return []
        read = json.loads(said)
        return list(read["items"]) if read["kind"] == "List" else [read]

    def _run(self, *words: str) -> str:
        return self._runner.run(
            self._kubectl, *words, env={"KUBECONFIG": str(self._paths.kubeconfig)}, timeout_seconds=60
        )

    def _pid(self) -> int | None:
        try:
            pid = int(self._pid_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return pid if alive(pid, "port-forward") else None


def kind_cluster_of(nodes: list[dict[str, Any]]) -> str | None:
    """The name of the kind cluster that all of the nodes are of, or None."""
    owners = [node["spec"].get("providerID", "") for node in nodes]
    names = {owner.split("/")[-2] if owner.startswith("kind://") else "" for owner in owners}
    return names.pop() or None if len(names) == 1 else None


def foreign(objects: list[dict[str, Any]]) -> list[str]:
    """Kind and name of each object that does not say that the sandbox made it."""
    return [
        f"{item['kind']} {item['metadata']['name']}"
        for item in objects
        if item["metadata"].get("labels", {}).get(MANAGED_BY) != OWNER
    ]


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"{ADDRESS}/healthz", timeout=3) as answer:  # noqa: S310 (a fixed http address)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
