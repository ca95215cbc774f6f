"""What runs inside the sandbox's cluster: LiveKit, ingress, metrics, speech, and the product by its own chart."""

import json
import string
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from voiceagent_sandbox.cluster import Nodes
from voiceagent_sandbox.credentials import (
    LIVEKIT,
    MANAGED_BY,
    OWNER,
    PROVIDER_KEYS,
    SELECTOR,
    SERVER_KEYS,
    missing_secrets,
    read_secret,
)
from voiceagent_sandbox.images import PROJECT, Images
from voiceagent_sandbox.paths import Paths
from voiceagent_sandbox.process import Runner, SandboxError

SYSTEM_NAMESPACE = "voiceagents-system"
RELEASE = "voiceagents"
ADDRESS = "http://localhost:8080"
PUBLIC_LIVEKIT = "ws://localhost:8080"
LIVEKIT_ADDRESS = "ws://livekit.livekit.svc.cluster.local:7880"
SPEECH_ADDRESS = "http://speech.speech.svc.cluster.local/v1"
ROLLOUT_SECONDS = 300
CRD = "voiceagents.voiceagents.dev"
METRICS_API = "v1beta1.metrics.k8s.io"
INTERRUPTED = f"owner=helm,name={RELEASE},status in (pending-install,pending-upgrade,pending-rollback,uninstalling)"
"""Helm's records of what it was doing when it was killed; while there is one, it refuses to do anything."""
MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"


class Installer:
    """Applies everything; applying it again changes nothing.

    In a `shared` cluster, which is somebody else's, a metrics API that is there stays as it is.
    """

    def __init__(
        self, paths: Paths, runner: Runner, env: dict[str, str], bin_folder: Path, shared: bool = False
    ) -> None:
        self._paths = paths
        self._runner = runner
        self._env = env
        self._kubectl = bin_folder / "kubectl"
        self._helm = bin_folder / "helm"
        self._shared = shared

    def servers(self, images: Images, nodes: Nodes) -> None:
        """LiveKit, Traefik, metrics-server and speech, applied but not waited for."""
        self._apply(manifest("namespaces"))
        self._credentials()
        words = {
            "LIVEKIT_IMAGE": images.livekit,
            "TRAEFIK_IMAGE": images.traefik,
            "METRICS_SERVER_IMAGE": images.metrics_server,
            "SPEECH_IMAGE": images.speech,
            "SPEECH_NODE": nodes.workers[-1],
            "EDGE_NODE": nodes.edge,
        }
        for name in ("livekit", "traefik", "speech"):
            self._apply(manifest(name, words))
        if not self._has_others_metrics():
            self._apply(manifest("metrics-server", words))

    def product(self, images: Images) -> None:
        """The chart, with the sandbox's LiveKit and speech as the install's defaults."""
        values = self._paths.run / "values.json"
        values.write_text(json.dumps(chart_values(images), indent=1))
        chart = self._paths.repo / "charts" / PROJECT
        interrupted = ("delete", "secret", "-n", SYSTEM_NAMESPACE, "-l", INTERRUPTED)
        self._runner.run(self._kubectl, *interrupted, env=self._env)
        self._runner.run(
            *(
                self._helm,
                "upgrade",
                "--install",
                RELEASE,
                chart,
                "--namespace",
                SYSTEM_NAMESPACE,
                "-f",
                values,
            ),
            env=self._env,
            timeout_seconds=ROLLOUT_SECONDS,
        )

    def wait(self) -> None:
        """Until every Deployment of ours serves."""
        own_metrics = not self._has_others_metrics()
        metrics = (("kube-system", "metrics-server"),) if own_metrics else ()
        deployments = (
            ("livekit", "livekit"),
            ("ingress", "traefik"),
            ("speech", "speech"),
            (SYSTEM_NAMESPACE, f"{RELEASE}-controller"),
            (SYSTEM_NAMESPACE, f"{RELEASE}-gateway"),
            *metrics,
        )
        for namespace, name in deployments:
            try:
                self._runner.run(
                    *(self._kubectl, "-n", namespace, "rollout", "status", f"deployment/{name}"),
                    f"--timeout={ROLLOUT_SECONDS}s",
                    env=self._env,
                    timeout_seconds=ROLLOUT_SECONDS + 30,
                )
            except SandboxError as error:
                pods = self._runner.run(self._kubectl, "-n", namespace, "get", "pods", "-o", "wide", env=self._env)
                raise SandboxError(f"{namespace}/{name} is not ready ({error}).\n{pods}") from error
        if own_metrics:
            self._apply(manifest("metrics-api"))
            available = ("wait", "--for=condition=Available", f"apiservice/{METRICS_API}", "--timeout=120s")
            self._runner.run(self._kubectl, *available, env=self._env)

    def remove(self) -> None:
        """Take out of a cluster that goes on what was put in: VoiceAgents, CRD, product, servers, our own Secrets."""
        words = ("delete", "--ignore-not-found", "--wait=false")
        if self._runner.run(self._kubectl, "get", "crd", CRD, "--ignore-not-found", "-o", "name", env=self._env):
            self._runner.run(self._kubectl, "delete", "voiceagents", "-A", "--all", "--timeout=120s", env=self._env)
        self._runner.succeeds(self._helm, "uninstall", RELEASE, "-n", SYSTEM_NAMESPACE, env=self._env)
        others_metrics = self._has_others_metrics()
        for name in ("speech", "traefik", "livekit", *(() if others_metrics else ("metrics-api", "metrics-server"))):
            self._runner.run(self._kubectl, *words, "-f", "-", stdin=manifest(name), env=self._env)
        self._runner.run(self._kubectl, *words, "crd", CRD, env=self._env)
        # The namespaces last, since by them a second try knows that there is something to remove.
        for kind in (("secret", "-n", "default"), ("namespace",)):
            self._runner.run(self._kubectl, *words, *kind, "-l", SELECTOR, env=self._env)

    def _has_others_metrics(self) -> bool:
        """Whether a metrics API is there that the sandbox did not make and must leave alone."""
        if not self._shared:
            return False
        said = self._runner.run(
            self._kubectl, "get", "apiservice", METRICS_API, "--ignore-not-found", "-o", "json", env=self._env
        )
        return bool(said.strip()) and json.loads(said)["metadata"].get("labels", {}).get(MANAGED_BY) != OWNER

    def _credentials(self) -> None:
        """LiveKit's key, made once a cluster; and the agents' Secrets. One that is there stays as it is."""
        found = {}
        for place in (SERVER_KEYS, LIVEKIT, *PROVIDER_KEYS):
            namespace, name = place
            get = ("get", "secret", name, "-n", namespace, "--ignore-not-found", "-o", "json")
            said = self._runner.run(self._kubectl, *get, env=self._env, log_output=False)
            if said.strip():
                found[place] = read_secret(said)
        for secret in missing_secrets(found):
            self._apply(json.dumps(secret))

    def _apply(self, text: str, manager: str = "voiceagent-sandbox") -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                self._runner.run(
                    *(
                        self._kubectl,
                        "apply",
                        "--server-side",
                        "--force-conflicts",
                        f"--field-manager={manager}",
                    ),
                    *("-f", "-"),
                    stdin=text,
                    env=self._env,
                    timeout_seconds=120,
                )
            except SandboxError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(2)
            else:
                return


def chart_values(images: Images) -> dict[str, object]:
    """Values of the chart for the sandbox."""

    def image(name: str) -> dict[str, str]:
        repository, tag = name.rsplit(":", 1)
        return {"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"}

    speech = {"baseURL": SPEECH_ADDRESS}
    return {
        "operator": {"image": image(images.operator)},
        "gateway": {"image": image(images.gateway), "ingress": {"enabled": True}, "allowTestMetrics": True},
        "worker": {"image": image(images.worker)},
        "livekit": {"url": LIVEKIT_ADDRESS, "publicURL": PUBLIC_LIVEKIT, "credentialsSecretName": "livekit"},
        "providers": {
            "openai": {**speech, "secretName": "openai", "secretKey": "OPENAI_API_KEY"},
            "deepgram": {**speech, "secretName": "deepgram", "secretKey": "DEEPGRAM_API_KEY"},
        },
    }


def manifest(name: str, words: Mapping[str, str] | None = None) -> str:
    """A manifest with its words filled in. What is to be deleted needs none: they are in no object's name."""
    text = string.Template((MANIFESTS / f"{name}.yaml").read_text(encoding="utf-8"))
    return text.substitute(defaultdict(lambda: "none") if words is None else words)
