"""Single files out of pinned Go modules: what tests hold ours against. Kept by content, as the server programs are."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from voiceagent_sandbox.paths import Paths, content_hash
from voiceagent_sandbox.process import Runner
from voiceagent_sandbox.progress import Progress


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """A file of a Go module; its version and checksum are pinned in a folder of sandbox/servers."""

    family: str
    module: str
    path: str


SCALED_OBJECT_CRD = ModuleFile("keda", "github.com/kedacore/keda/v2", "config/crd/bases/keda.sh_scaledobjects.yaml")
"""KEDA's CRD of the ScaledObject."""
_MONITORING_CRDS = "example/prometheus-operator-crd/monitoring.coreos.com"
MONITORING_CRDS = tuple(
    ModuleFile(
        "prometheus-operator", "github.com/prometheus-operator/prometheus-operator", f"{_MONITORING_CRDS}_{plural}.yaml"
    )
    for plural in ("podmonitors", "prometheusrules", "servicemonitors")
)
"""The Prometheus operator's CRDs that the chart has objects of."""
HTTP_ROUTE_CRD = ModuleFile(
    "gateway-api", "sigs.k8s.io/gateway-api", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"
)
"""The Gateway API's CRD of the HTTPRoute."""
CRDS = (SCALED_OBJECT_CRD, HTTP_ROUTE_CRD, *MONITORING_CRDS)


class ModuleFiles:
    """The cache of such files."""

    def __init__(self, paths: Paths, runner: Runner, go: str) -> None:
        self._paths = paths
        self._runner = runner
        self._go = go

    def make(self, file: ModuleFile, progress: Progress) -> None:
        """Fetch the file's module where the file is not there yet."""
        target = module_file(self._paths, file)
        if target.exists():
            return
        with progress.step(f"Get {target.name} from its Go module"):
            told = self._runner.run(
                *(self._go, "mod", "download", "-json", file.module),
                cwd=_folder(self._paths, file),
                env={"GOWORK": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"},
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_suffix(".part")
            shutil.copyfile(Path(json.loads(told)["Dir"]) / file.path, unfinished)
            unfinished.replace(target)


def module_file(paths: Paths, file: ModuleFile) -> Path:
    """Where the file is, or will be once made."""
    key = content_hash([_folder(paths, file)])
    return paths.cache / "servers" / f"{file.family}-{key}" / Path(file.path).name


def _folder(paths: Paths, file: ModuleFile) -> Path:
    return paths.repo / "sandbox" / "servers" / file.family
