"""A real control plane on loopback: etcd, kube-apiserver, and the controllers of Deployments, ReplicaSets and
garbage. Nothing here is a mock; only nodes are missing.

The binaries come from the folder that KUBEBUILDER_ASSETS names, and what it lacks from the sandbox's cache.
"""

import contextlib
import functools
import json
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import rights
import yaml
from authority import Authority
from processes import Processes, free_port
from voiceagent_sandbox.paths import default_paths

REPOSITORY = Path(__file__).resolve().parents[2]
ADMINISTRATOR = ("admin", "system:masters")
GROUPS = {
    "voiceagents": "apis/voiceagents.dev/v1alpha1",
    "deployments": "apis/apps/v1",
    "replicasets": "apis/apps/v1",
    "controllerrevisions": "apis/apps/v1",
    "poddisruptionbudgets": "apis/policy/v1",
    "leases": "apis/coordination.k8s.io/v1",
    "networkpolicies": "apis/networking.k8s.io/v1",
}
"""API groups of the kinds that tests read; the others are of the core."""
AUDIT_LOG = "audit.log"
CONTROLLERS = "deployment-controller,replicaset-controller,garbage-collector-controller"


@dataclass(frozen=True)
class Cluster:
    """The control plane, as its administrator sees it."""

    folder: Path
    binaries: Path
    server: str
    authority: Authority
    processes: Processes
    start_api_server: Callable[[], subprocess.Popen[bytes]]
    """Starts it where it was, with what it knew."""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    """The API server, and the controllers on it."""

    @property
    def audit_log(self) -> Path:
        """What the users of `rights.AUDITED_USERS` asked of the API server."""
        return self.folder / AUDIT_LOG

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """The API server is killed, and started again after the block.

        So are the controllers, which would come back to it only after a long pause of their own.
        """
        for process in self.running:
            process.kill()
            process.wait()
        self.running.clear()
        try:
            yield
        finally:
            self.running.append(self.start_api_server())
            self.until(self.answers, "kube-apiserver answers again", 60)
            self.start_controllers()

    def start_controllers(self) -> None:
        """Start the controllers of Deployments, ReplicaSets and garbage."""
        command = (
            self.binaries / "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig(*ADMINISTRATOR)}", f"--controllers={CONTROLLERS}",
            "--leader-elect=false", "--bind-address=127.0.0.1", f"--secure-port={free_port()}",
            "--kube-api-qps=500", "--kube-api-burst=1000",  # or fifty Deployments would take them half a minute
        )  # fmt: skip
        self.running.append(self.processes.start("kube-controller-manager", *command))

    @staticmethod
    def until(look: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
        """The first truthy thing that `look` returns; fails with what was waited for."""
        end = time.monotonic() + seconds
        while not (seen := look()):
            assert time.monotonic() < end, f"{what}: not within {seconds} s"
            time.sleep(0.05)
        return seen

    def kubeconfig(self, user: str, organisation: str = "none") -> Path:
        path = self.folder / f"{user}.kubeconfig"
        if not path.exists():
            certificate, key = self.authority.issue(user, organisation)
            names = {"cluster": "test", "user": user}
            document = {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "test",
                "contexts": [{"name": "test", "context": names}],
                "clusters": [
                    {
                        "name": "test",
                        "cluster": {"server": self.server, "certificate-authority": str(self.authority.certificate)},
                    }
                ],
                "users": [{"name": user, "user": {"client-certificate": str(certificate), "client-key": str(key)}}],
            }
            path.write_text(yaml.safe_dump(document))
        return path

    def kubectl(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl as administrator; the caller looks at the result."""
        kubeconfig = str(self.kubeconfig(*ADMINISTRATOR))
        command = [str(self.binaries / "kubectl"), "--kubeconfig", kubeconfig, *arguments]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=30, check=False)

    def do(self, *arguments: str, text: str | None = None) -> str:
        """Run kubectl; fail with its error."""
        done = self.kubectl(*arguments, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, document: dict[str, Any], plural: str | None = None) -> None:
        """What `kubectl apply` does; with the resource's name server-side, without the cost of a process."""
        if plural is None:
            self.do("apply", "-f", "-", text=json.dumps(document))
            return
        meta = document["metadata"]
        path = f"/{GROUPS[plural]}/namespaces/{meta['namespace']}/{plural}/{meta['name']}?fieldManager=kubectl"
        self._open(path, json.dumps(document).encode(), "PATCH", "application/apply-patch+yaml")

    def get(self, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
        """An object, or None where there is none. Read directly, since tests ask often."""
        try:
            return self._read(kind, namespace, f"/{name}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def list(self, kind: str, namespace: str, label: str = "") -> list[dict[str, Any]]:
        """All objects of a kind in a namespace; those with a label, given as `name=value`, only."""
        rest = f"?labelSelector={label}" if label else ""
        found: list[dict[str, Any]] = self._read(kind, namespace, rest)["items"]
        return found

    def post(self, path: str, body: dict[str, Any]) -> None:
        """Make an object directly."""
        self._open(path, json.dumps(body).encode())

    def merge(self, path: str, body: dict[str, Any]) -> None:
        """What `kubectl patch --type=merge` does, without the cost of a process."""
        self._open(path, json.dumps(body).encode(), "PATCH", "application/merge-patch+json")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Send a request directly; an error of the API server fails the test."""
        self._open(path, None if body is None else json.dumps(body).encode(), method)

    def answers(self) -> bool:
        """Whether the API server is up."""
        try:
            return bool(self._open("/readyz") == b"ok")
        except OSError:
            return False

    def _read(self, kind: str, namespace: str, rest: str) -> dict[str, Any]:
        group = GROUPS.get(kind, "api/v1")
        found: dict[str, Any] = json.loads(self._open(f"/{group}/namespaces/{namespace}/{kind}{rest}"))
        return found

    def _open(
        self, path: str, body: bytes | None = None, method: str | None = None, form: str = "application/json"
    ) -> bytes:
        self.kubeconfig(*ADMINISTRATOR)
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        context.load_cert_chain(self.folder / "admin.crt", self.folder / "admin.key")
        request = urllib.request.Request(self.server + path, body, {"Content-Type": form}, method=method)
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            return bytes(answer.read())


@contextlib.contextmanager
def control_plane(folder: Path) -> Iterator[Cluster]:
    """A control plane with the CRD installed, its files in `folder`."""
    binaries, processes = _binaries(folder), Processes(folder)
    try:
        started = _start(binaries, folder, processes)
        started.do("apply", "-f", str(REPOSITORY / "crds/voiceagents.yaml"))
        established = ("wait", "--for=condition=Established", "crd/voiceagents.voiceagents.dev", "--timeout=30s")
        # kubectl fails at once where it comes before there are any conditions.
        started.until(lambda: started.kubectl(*established).returncode == 0, "the CRD is established")
        yield started
    finally:
        processes.stop()


def _binaries(folder: Path) -> Path:
    """A folder of links to the servers: those of KUBEBUILDER_ASSETS, and what it lacks from the sandbox's cache."""
    sources = [Path(os.environ["KUBEBUILDER_ASSETS"])] if os.environ.get("KUBEBUILDER_ASSETS") else []
    sources.append(default_paths(dict(os.environ)).cache / "bin")
    links = folder / "bin"
    links.mkdir()
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl"):
        found = next((source / name for source in sources if (source / name).is_file()), None)
        if found is None:
            pytest.fail(f"No {name} in {' or '.join(map(str, sources))}; run: make test-integration", False)
        (links / name).symlink_to(found)
    return links


def _start(binaries: Path, folder: Path, processes: Processes) -> Cluster:
    etcd, peer, port = (free_port() for _ in range(3))
    authority = Authority(folder)
    certificate, key = authority.issue("kube-apiserver")
    account_certificate, account_key = authority.issue("service-accounts")
    processes.start(
        "etcd", binaries / "etcd", "--data-dir", folder / "etcd", "--unsafe-no-fsync",
        "--listen-client-urls", f"http://127.0.0.1:{etcd}", "--advertise-client-urls", f"http://127.0.0.1:{etcd}",
        "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--log-level", "error",
    )  # fmt: skip
    policy = folder / "audit-policy.yaml"
    policy.write_text(yaml.safe_dump(rights.POLICY))
    start = functools.partial(
        processes.start, "kube-apiserver", binaries / "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={port}",
        f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}",
        f"--client-ca-file={authority.certificate}", "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={account_certificate}",
        f"--service-account-signing-key-file={account_key}", "--service-cluster-ip-range=198.19.200.0/24",
        "--endpoint-reconciler-type=none", "--disable-admission-plugins=ServiceAccount",
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
        f"--audit-policy-file={policy}", f"--audit-log-path={folder / AUDIT_LOG}",
    )  # fmt: skip
    cluster = Cluster(folder, binaries, f"https://127.0.0.1:{port}", authority, processes, start, [start()])
    cluster.until(cluster.answers, "kube-apiserver answers", 60)
    return cluster
