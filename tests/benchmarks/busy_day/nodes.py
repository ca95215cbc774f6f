"""A real control plane with its controllers and its scheduler, a node that kwok plays, and the operator on it."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from control_plane import ADMINISTRATOR, Cluster, control_plane
from operator_speed.access import Access
from processes import free_port
from voiceagent_sandbox.paths import REPO, default_paths

USER = "simulation"
OPERATOR = "simulated-day-operator"
"""Whom the API server takes the operator for; it may what operator/rbac.yaml allows."""
NODE = "simulated"
ADDRESSES = "127.77.0.0/22"
"""On loopback, an address for each pod, given and taken back by kwok."""
STAGES = Path(__file__).with_name("stages.yaml")


@dataclass(frozen=True)
class Ground:
    """What the day takes place on."""

    folder: Path
    cluster: Cluster
    access: Access

    def start_operator(self, install: Path) -> tuple[subprocess.Popen[bytes], int]:
        """The operator as its pod runs it; returns its process and its health port."""
        port = free_port()
        command = [sys.executable, "-m", "voiceagent_operator", "--config", str(install)]
        command += ["--health-host", "127.0.0.1", "--health-port", str(port)]
        environment = {**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig(OPERATOR))}
        with (self.folder / "operator.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.cluster.processes.started.append(process)
        self.cluster.until(lambda: _answers(f"http://127.0.0.1:{port}/readyz"), "the operator is ready")
        return process, port


@contextmanager
def open_ground() -> Iterator[Ground]:
    """From the start of everything to its end."""
    with tempfile.TemporaryDirectory(prefix="bench-day-") as name, control_plane(Path(name)) as cluster:
        folder = Path(name)
        cluster.start_controllers()
        cluster.do("create", "clusterrolebinding", USER, "--clusterrole=cluster-admin", f"--user={USER}")
        cluster.do("apply", "-f", str(REPO / "operator/rbac.yaml"))
        cluster.do("create", "clusterrolebinding", OPERATOR, "--clusterrole=voiceagent-operator", f"--user={OPERATOR}")
        cluster.kubeconfig(USER)
        files = (cluster.authority.certificate, folder / f"{USER}.crt", folder / f"{USER}.key")
        _play_node(cluster)
        yield Ground(folder, cluster, Access(cluster.server, *map(str, files)))


def _play_node(cluster: Cluster) -> None:
    programs = default_paths(dict(os.environ)).cache / "bin"
    kubeconfig = f"--kubeconfig={cluster.kubeconfig(*ADMINISTRATOR)}"
    node: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}},
        "spec": {"podCIDR": ADDRESSES, "podCIDRs": [ADDRESSES]},
    }
    cluster.post("/api/v1/nodes", node)
    # The controller that would take the taint of a new node away is not among those that run.
    cluster.do("patch", "node", NODE, "--type=merge", "-p", json.dumps({"spec": {"taints": None}}))
    cluster.processes.start(
        "kwok", programs / "kwok", kubeconfig, f"--config={STAGES}", f"--manage-single-node={NODE}", "--node-port=0",
        "--node-lease-duration-seconds=0",
    )  # fmt: skip
    cluster.processes.start(
        "kube-scheduler", programs / "kube-scheduler", kubeconfig, "--leader-elect=false",
        "--bind-address=127.0.0.1", f"--secure-port={free_port()}",
    )  # fmt: skip


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
