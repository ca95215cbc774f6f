"""`CLUSTER=existing`: the cluster of the current KUBECONFIG in place of one that the sandbox makes."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from voiceagent_sandbox.install import ADDRESS
from voiceagent_sandbox.paths import Paths
from voiceagent_sandbox.process import Runner, SandboxError, alive

ANSWER_SECONDS = 30


class ExistingCluster:
    """A cluster that someone else made: its kubeconfig, how images get into it, and how this machine reaches it."""

    def __init__(self, paths: Paths, runner: Runner, environ: dict[str, str], kubectl: Path) -> None:
        named = environ.get("KUBECONFIG") or str(Path(environ.get("HOME", "")) / ".kube" / "config")
        self.kubeconfig = Path(named)
        self._paths = paths
        self._runner = runner
        self._kubectl = kubectl
        self._pid_file = paths.run / "port-forward.pid"

    def kind_name(self) -> str:
        """The kind cluster's name. Raises SandboxError where the cluster is none, or does not answer."""
        env = {"KUBECONFIG": str(self.kubeconfig)}
        if not self.kubeconfig.exists():
            raise SandboxError(f"CLUSTER=existing, but {self.kubeconfig} is not there. Set KUBECONFIG.")
        self._runner.run(self._kubectl, "get", "--raw", "/readyz", env=env, timeout_seconds=30)
        nodes = json.loads(self._runner.run(self._kubectl, "get", "nodes", "-o", "json", env=env))["items"]
        owners = {node["spec"].get("providerID", "") for node in nodes}
        names = {owner.split("/")[-2] for owner in owners if owner.startswith("kind://")}
        if len(names) != 1:
            raise SandboxError(
                "CLUSTER=existing takes a kind cluster, since images are brought in by `kind load`. For any other, "
                "push the images that `docker build --target` makes to a registry and install the chart."
            )
        return str(names.pop())

    def link_for_tools(self) -> None:
        """Let the tests and `status` find the kubeconfig where that of the sandbox's own cluster would be."""
        if self.kubeconfig.resolve() != self._paths.kubeconfig.resolve():
            self._paths.kubeconfig.unlink(missing_ok=True)
            self._paths.kubeconfig.symlink_to(self.kubeconfig.resolve())

    def open_door(self) -> None:
        """Have the ingress at localhost: by the cluster's own port mapping, else by a port-forward."""
        if _answers() or self._pid():
            return
        forward = ("-n", "ingress", "port-forward", "--address=127.0.0.1", "deployment/traefik", "8080:8080")
        log = (self._paths.run / "port-forward.log").open("ab")
        process = subprocess.Popen(
            [str(self._kubectl), *forward],
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
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

    def _pid(self) -> int | None:
        try:
            pid = int(self._pid_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return pid if alive(pid, "port-forward") else None


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"{ADDRESS}/healthz", timeout=3) as answer:  # noqa: S310 (a fixed http address)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
