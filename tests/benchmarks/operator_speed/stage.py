"""Where contestants meet: one real API server for a whole run, the agents' namespace, and looks at who works how hard.

etcd and kube-apiserver only: no controllers, no kubelets. Deployments make no pods, and nothing is deleted but by the
benchmark itself, so that every request that the API server sees comes from the contestant, or from those who look on.
"""

import asyncio
import json
import os
import re
import ssl
import subprocess
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from control_plane import control_plane
from operator_speed.access import Access
from operator_speed.fleet import AGENTS, NAMESPACE, agent, clear, count, prepare, write_install
from operator_speed.recorder import Recorder, as_templates
from voiceagent_sandbox.paths import REPO

USER = "benchmark"
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_WRITES = {"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"}
_NOBODYS = {"leases"}
"""The API server renews a Lease of its own."""


@dataclass(frozen=True)
class Stage:
    """The API server and what contestants are told."""

    folder: Path
    cluster: Any
    access: Access
    access_file: Path
    install: Path
    templates: Path
    collections: dict[str, int]
    """Where children are listed, and how many of them an agent has there."""
    pids: dict[str, int]
    """The servers' processes by name."""

    def environment(self, **more: str) -> dict[str, str]:
        """What a contestant's process is given."""
        folders = [str(REPO / "tests/benchmarks"), str(REPO / "sandbox/src"), os.environ.get("PYTHONPATH", "")]
        kubeconfig = str(self.cluster.kubeconfig(USER))
        return {**os.environ, "KUBECONFIG": kubeconfig, "PYTHONPATH": os.pathsep.join(folders), **more}

    def clear(self) -> None:
        """Take away all agents and all their children."""
        asyncio.run(clear(self.access, self.collections))

    def missing(self, agents: int) -> list[str]:
        """Where there are not as many children as there should be; said in words."""

        async def look() -> list[str]:
            async with self.access.session() as session:
                found = {path: await count(session, path) for path in self.collections}
            wanted = {path: agents * each for path, each in self.collections.items()}
            return [f"{found[path]} of {wanted[path]} at {path}" for path in wanted if found[path] != wanted[path]]

        return asyncio.run(look())

    def writes(self) -> Counter[str]:
        """How many requests that change something the API server has served, by verb and resource; its own count."""
        context = ssl.create_default_context(cafile=self.access.authority)
        context.load_cert_chain(self.access.certificate, self.access.key)
        with urllib.request.urlopen(f"{self.access.server}/metrics", timeout=30, context=context) as answer:
            lines = answer.read().decode().splitlines()
        counted: Counter[str] = Counter()
        for line in lines:
            if line.startswith("apiserver_request_total{"):
                labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
                if labels["verb"] in _WRITES and labels["resource"] not in _NOBODYS:
                    counted[f"{labels['verb']} {labels['resource']}"] += int(float(line.rpartition(" ")[2]))
        return counted

    def cpu_seconds(self, **more: int) -> dict[str, float]:
        """The CPU time of the servers, and of more processes, until now."""
        return {name: cpu_seconds(pid) for name, pid in {**self.pids, **more}.items()}


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process and its ended children have had."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS_A_SECOND


def memory_megabytes(pid: int) -> tuple[float, float]:
    """The resident memory of a process, now and at its highest."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.MULTILINE))
    return int(found["VmRSS"]) / 1000, int(found["VmHWM"]) / 1000


@contextmanager
def open_stage() -> Iterator[Stage]:
    """The API server, from its start to its end; without controllers, which nobody here waits for."""
    with tempfile.TemporaryDirectory(prefix="bench-operator-") as name, control_plane(Path(name)) as cluster:
        folder = Path(name)
        cluster.do("create", "clusterrolebinding", USER, "--clusterrole=cluster-admin", f"--user={USER}")
        cluster.kubeconfig(USER)
        certificate, key = folder / f"{USER}.crt", folder / f"{USER}.key"
        access = Access(cluster.server, str(cluster.authority.certificate), str(certificate), str(key))
        asyncio.run(prepare(access))
        install = write_install(folder / "install.yaml")
        templates, collections = asyncio.run(_record(access, install))
        (folder / "templates.json").write_text(json.dumps(templates), encoding="utf-8")
        pids = {Path(cast("list[str]", process.args)[0]).name: process.pid for process in cluster.processes.started}
        file = access.write(folder / "access.json")
        yield Stage(folder, cluster, access, file, install, folder / "templates.json", collections, pids)


async def _record(access: Access, install: Path) -> tuple[dict[str, Any], dict[str, int]]:
    placeholder = agent("name-placeholder", "instructions-placeholder")
    async with access.session() as session:
        path = f"/api/v1/namespaces/{NAMESPACE}/secrets"
        async with session.get(path) as answer:
            secrets = (await answer.json())["items"]
        # Dry, so as to have all of the schema's defaults.
        async with session.post(AGENTS, params={"dryRun": "All"}, json=placeholder) as answer:
            answer.raise_for_status()
            made = await answer.json()
    made["metadata"] |= {"uid": "uid-placeholder", "resourceVersion": "1"}
    writes = await Recorder(install, secrets).writes(made)
    return as_templates(writes), dict(Counter(write.collection for write in writes[:-1]))


def ended(process: "subprocess.Popen[bytes]") -> None:
    """End a process as a kubelet would; at last by force."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
