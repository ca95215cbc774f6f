"""A real control plane on loopback: etcd, kube-apiserver, and the controllers of Deployments, ReplicaSets and
garbage. Nothing here is a mock; only nodes are missing.

The binaries come from the folder that KUBEBUILDER_ASSETS names.
"""

import contextlib
import datetime
import functools
import ipaddress
import json
import os
import socket
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
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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
CONTROLLERS = "deployment-controller,replicaset-controller,garbage-collector-controller"


class Authority:
    """A certificate authority for one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test-authority")])
        self.certificate = folder / "authority.crt"
        own = self._builder(self._name, self._key).add_extension(x509.BasicConstraints(True, None), critical=True)
        self.certificate.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, user: str, organisation: str = "none") -> tuple[Path, Path]:
        """A certificate for a user, good for serving on loopback too."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, user),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            ]
        )
        loopback = x509.SubjectAlternativeName(
            [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
        )
        signed = self._builder(subject, key).add_extension(loopback, critical=False).sign(self._key, hashes.SHA256())
        certificate_file, key_file = self._folder / f"{user}.crt", self._folder / f"{user}.key"
        certificate_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate_file, key_file

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
        )


@dataclass
class Processes:
    """Processes of one run, ended in reverse order."""

    folder: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, name: str, *command: str | Path) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{name}.log").open("ab")
        process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, cwd=self.folder)
        self.started.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self.started):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass(frozen=True)
class Cluster:
    """The control plane, as its administrator sees it."""

    folder: Path
    binaries: Path
    server: str
    authority: Authority
    processes: "Processes"
    start_api_server: Callable[[], subprocess.Popen[bytes]]
    """Starts it where it was, with what it knew."""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    """The API server, and the controllers on it."""

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
            "--leader-elect=false", "--bind-address=127.0.0.1", f"--secure-port={self.free_port()}",
        )  # fmt: skip
        self.running.append(self.processes.start("kube-controller-manager", *command))

    @staticmethod
    def free_port() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

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
        command = [self.binaries / "kubectl", "--kubeconfig", self.kubeconfig(*ADMINISTRATOR), *arguments]
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

    def list(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        """All objects of a kind in a namespace."""
        found: list[dict[str, Any]] = self._read(kind, namespace, "")["items"]
        return found

    def post(self, path: str, body: dict[str, Any]) -> None:
        """Make an object directly."""
        self._open(path, json.dumps(body).encode())

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
        with urllib.request.urlopen(request, timeout=5, context=context) as answer:
            return bytes(answer.read())


def _binaries() -> Path:
    folder = Path(os.environ.get("KUBEBUILDER_ASSETS", ""))
    missing = [
        name
        for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
        if not (folder / name).is_file()
    ]
    if missing:
        pytest.fail(f"KUBEBUILDER_ASSETS ({folder}) has no {', '.join(missing)}; run: make test-integration", False)
    return folder


def _start_control_plane(binaries: Path, folder: Path, processes: Processes) -> Cluster:
    etcd, peer, port = (Cluster.free_port() for _ in range(3))
    authority = Authority(folder)
    certificate, key = authority.issue("kube-apiserver")
    account_certificate, account_key = authority.issue("service-accounts")
    processes.start(
        "etcd", binaries / "etcd", "--data-dir", folder / "etcd", "--unsafe-no-fsync",
        "--listen-client-urls", f"http://127.0.0.1:{etcd}", "--advertise-client-urls", f"http://127.0.0.1:{etcd}",
        "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--log-level", "error",
    )  # fmt: skip
    start = functools.partial(
        processes.start, "kube-apiserver", binaries / "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={port}",
        f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}",
        f"--client-ca-file={authority.certificate}", "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={account_certificate}",
        f"--service-account-signing-key-file={account_key}", "--service-cluster-ip-range=198.19.200.0/24",
        "--endpoint-reconciler-type=none", "--disable-admission-plugins=ServiceAccount",
    )  # fmt: skip
    cluster = Cluster(folder, binaries, f"https://127.0.0.1:{port}", authority, processes, start, [start()])
    cluster.until(cluster.answers, "kube-apiserver answers", 60)
    return cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The control plane with the CRD installed."""
    binaries, folder = _binaries(), tmp_path_factory.mktemp("cluster")
    processes = Processes(folder)
    try:
        started = _start_control_plane(binaries, folder, processes)
        started.do("apply", "-f", str(REPOSITORY / "crds/voiceagents.yaml"))
        started.do("wait", "--for=condition=Established", "crd/voiceagents.voiceagents.dev", "--timeout=30s")
        started.start_controllers()
        yield started
    finally:
        processes.stop()
