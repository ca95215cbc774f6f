"""The chart, installed by helm into a control plane without pods, and the gateway's service account in it."""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml
from chart import CHART
from control_plane import ADMINISTRATOR, Cluster

RELEASE = "voiceagents"
GATEWAY = "voiceagents-gateway"


def install_chart(cluster: Cluster, namespace: str, folder: Path, *settings: str) -> None:
    """Install it with these `--set` words. The CRD is there already."""
    sets = [word for setting in ("crds.enabled=false", *settings) for word in ("--set", setting)]
    command = ["install", RELEASE, str(CHART), "--namespace", namespace, "--create-namespace", *sets]
    program = os.environ.get("HELM_BINARY", "helm")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": administrator(cluster)}
    done = subprocess.run(
        [program, *command], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def administrator(cluster: Cluster) -> str:
    """The kubeconfig of who may do everything."""
    return str(cluster.kubeconfig(*ADMINISTRATOR))


def gateways_kubeconfig(cluster: Cluster, namespace: str, folder: Path) -> Path:
    """That of the gateway's service account, by a token, as its pod would have it."""
    token = cluster.do("create", "token", GATEWAY, "--namespace", namespace, "--duration=1h").strip()
    document = yaml.safe_load(Path(administrator(cluster)).read_text(encoding="utf-8"))
    document["users"][0]["user"] = {"token": token}
    path = folder / f"{GATEWAY}.kubeconfig"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def gateways_settings(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """The part `gateway` of the install's configuration that the gateway's pods would mount."""
    config = cluster.get("configmaps", f"{RELEASE}-install", namespace)
    assert config is not None
    settings: dict[str, Any] = yaml.safe_load(config["data"]["install.yaml"])["gateway"]
    return settings
