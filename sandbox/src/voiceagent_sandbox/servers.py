"""Server programs from pinned Go modules, kept by content: built once a machine, then only copied."""

from dataclasses import dataclass
from pathlib import Path

from voiceagent_sandbox.paths import Paths, content_hash
from voiceagent_sandbox.process import Runner
from voiceagent_sandbox.progress import Progress

KUBERNETES_VERSION = "v1.35.4"
_STAMP = " ".join(
    f"-X {package}.{name}={value}"
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for name, value in (
        ("gitVersion", KUBERNETES_VERSION),
        ("gitMajor", "1"),
        ("gitMinor", "35"),
        ("gitTreeState", "clean"),
    )
)


@dataclass(frozen=True, slots=True)
class Program:
    """A program of a module family: a folder of sandbox/servers, and the Go package to build there."""

    name: str
    family: str
    package: str
    ldflags: str = ""
    tags: str = ""


def _kubernetes(name: str) -> Program:
    return Program(name, "kubernetes", f"k8s.io/kubernetes/cmd/{name}", _STAMP)


KUBECTL = _kubernetes("kubectl")
APISERVER_PROGRAMS = (
    Program("etcd", "etcd", "go.etcd.io/etcd/server/v3"),
    _kubernetes("kube-apiserver"),
    _kubernetes("kube-controller-manager"),
    KUBECTL,
)
"""Enough for integration tests: a control plane with no nodes."""
SCHEDULER = _kubernetes("kube-scheduler")
NODE_PROGRAMS = (
    *APISERVER_PROGRAMS,
    SCHEDULER,
    *(_kubernetes(name) for name in ("kubelet", "kube-proxy", "kubeadm")),
    Program("coredns", "coredns", "github.com/coredns/coredns"),
)
LIVEKIT = Program("livekit-server", "livekit", "github.com/livekit/livekit-server/cmd/server")
KIND = Program("kind", "kind", "sigs.k8s.io/kind")
HELM = Program("helm", "helm", "helm.sh/helm/v4/cmd/helm")
TRAEFIK = Program("traefik", "traefik", "github.com/traefik/traefik/v3/cmd/traefik")
METRICS_SERVER = Program("metrics-server", "metrics-server", "sigs.k8s.io/metrics-server/cmd/metrics-server", _STAMP)
"""Stamped as Kubernetes is, so that clients can read its version."""
KWOK = Program("kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok")
"""Plays nodes and their pods, of which none runs."""
VICTORIA_METRICS = Program(
    "victoria-metrics", "victoria-metrics", "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics"
)
"""Answers Prometheus' queries: the gateway's history is tested against it."""
VMALERT_TOOL = Program(
    "vmalert-tool", "victoria-metrics", "github.com/VictoriaMetrics/VictoriaMetrics/app/vmalert-tool"
)
"""Runs the unit tests of the chart's alerts."""
PROMETHEUS = Program(
    "prometheus", "prometheus", "github.com/prometheus/prometheus/cmd/prometheus", tags="remove_all_sd"
)
"""The same of Prometheus itself, without its finders of targets in clouds."""
SIMULATION_PROGRAMS = (*APISERVER_PROGRAMS, SCHEDULER, KWOK)
INTEGRATION_PROGRAMS = (*APISERVER_PROGRAMS, LIVEKIT, HELM, VICTORIA_METRICS, VMALERT_TOOL, PROMETHEUS)
ALL_PROGRAMS = (*NODE_PROGRAMS, LIVEKIT, KIND, HELM, TRAEFIK, METRICS_SERVER)


class Servers:
    """The cache of built programs. All of one family's hash stand in one folder; `bin` links to them all."""

    def __init__(self, paths: Paths, runner: Runner, go: str) -> None:
        self._paths = paths
        self._runner = runner
        self._go = go
        self.bin = paths.cache / "bin"

    def path(self, program: Program) -> Path:
        """Where the program is, or will be once made."""
        module = self._paths.repo / "sandbox" / "servers" / program.family
        key = content_hash([module], f"{program.ldflags} {program.tags}".strip(), "CGO_ENABLED=0 trimpath v1")
        return self._paths.cache / "servers" / f"{program.family}-{key}" / program.name

    def make(self, programs: tuple[Program, ...], progress: Progress) -> None:
        """Build what is missing, each shown as a step, and link everything into `bin`."""
        self.bin.mkdir(parents=True, exist_ok=True)
        for program in programs:
            target = self.path(program)
            if not target.exists():
                with progress.step(f"Build {program.name} from its Go module"):
                    self._build(program, target)
            link = self.bin / program.name
            if not link.is_symlink() or link.readlink() != target:
                fresh = link.with_suffix(".new")
                fresh.unlink(missing_ok=True)
                fresh.symlink_to(target)
                fresh.replace(link)

    def _build(self, program: Program, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_suffix(".part")
        self._runner.run(
            *(
                self._go,
                "build",
                "-ldflags",
                f"-s -w {program.ldflags}".strip(),
                *(("-tags", program.tags) if program.tags else ()),
                "-o",
                unfinished,
                program.package,
            ),
            cwd=self._paths.repo / "sandbox" / "servers" / program.family,
            env={
                "CGO_ENABLED": "0",
                "GOWORK": "off",
                "GOTOOLCHAIN": "local",
                "GOFLAGS": "-trimpath -buildvcs=false",
            },
        )
        unfinished.replace(target)
