"""What runs inside the sandbox's cluster: LiveKit, ingress, metrics, speech, and the product by its own chart."""

import json
import secrets
import string
import time
from pathlib import Path

from voiceagent_sandbox.cluster import Nodes
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
MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"


class Installer:
    """Applies everything; applying it again changes nothing."""

    def __init__(self, paths: Paths, runner: Runner, env: dict[str, str], bin_folder: Path) -> None:
        self._paths = paths
        self._runner = runner
        self._env = env
        self._kubectl = bin_folder / "kubectl"
        self._helm = bin_folder / "helm"

    def servers(self, images: Images, nodes: Nodes) -> None:
        """LiveKit, Traefik, metrics-server and speech, applied but not waited for."""
        self._apply((MANIFESTS / "namespaces.yaml").read_text(encoding="utf-8"))
        self._credentials()
        words = {
            "LIVEKIT_IMAGE": images.livekit,
            "TRAEFIK_IMAGE": images.traefik,
            "METRICS_SERVER_IMAGE": images.metrics_server,
            "SPEECH_IMAGE": images.speech,
            "SPEECH_NODE": nodes.workers[-1],
            "EDGE_NODE": nodes.edge,
        }
        for name in ("livekit", "traefik", "metrics-server", "speech"):
            self._apply(string.Template((MANIFESTS / f"{name}.yaml").read_text(encoding="utf-8")).substitute(words))

    def product(self, images: Images) -> None:
        """The chart, with the sandbox's LiveKit and speech as the install's defaults."""
        values = self._paths.run / "values.json"
        values.write_text(json.dumps(chart_values(images), indent=1))
        chart = self._paths.repo / "charts" / PROJECT
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
        deployments = (
            ("livekit", "livekit"),
            ("ingress", "traefik"),
            ("speech", "speech"),
            (SYSTEM_NAMESPACE, f"{RELEASE}-controller"),
            (SYSTEM_NAMESPACE, f"{RELEASE}-gateway"),
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

    def remove(self) -> None:
        """Take the product and the servers out of a cluster that goes on without them; CRD and VoiceAgents with it."""
        self._runner.run(self._kubectl, "delete", "voiceagents", "-A", "--all", "--ignore-not-found", env=self._env)
        self._runner.succeeds(self._helm, "uninstall", RELEASE, "-n", SYSTEM_NAMESPACE, env=self._env)
        words = ("delete", "--ignore-not-found", "--wait=false")
        for name in ("metrics-server", "speech", "traefik", "livekit", "namespaces"):
            text = (MANIFESTS / f"{name}.yaml").read_text(encoding="utf-8")
            self._runner.run(self._kubectl, *words, "-f", "-", stdin=text, env=self._env)
        crd = ("crd", "voiceagents.voiceagents.dev")
        self._runner.run(self._kubectl, *words, *crd, env=self._env)
        secrets_of_agents = ("secret", "livekit", "openai", "deepgram", "-n", "default")
        self._runner.run(self._kubectl, *words, *secrets_of_agents, env=self._env)

    def _credentials(self) -> None:
        """LiveKit's key, made once a cluster; and the agents' Secrets, which the speech server takes as any key."""
        said = self._runner.run(
            *(
                self._kubectl,
                "-n",
                "livekit",
                "get",
                "secret",
                "livekit-keys",
                "--ignore-not-found",
                "-o",
                "name",
            ),
            env=self._env,
        )
        if said.strip():
            return
        key, secret = f"API{secrets.token_hex(6)}", secrets.token_urlsafe(32)
        self._apply(
            _secret("livekit", "livekit-keys", {"keys.yaml": f"{key}: {secret}\n"})
            + _secret("default", "livekit", {"LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret})
            + _secret("default", "openai", {"OPENAI_API_KEY": "sandbox-" + secrets.token_hex(8)})
            + _secret("default", "deepgram", {"DEEPGRAM_API_KEY": "sandbox-" + secrets.token_hex(8)})
        )

    def _apply(self, manifest: str, manager: str = "voiceagent-sandbox") -> None:
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
                    stdin=manifest,
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


def _secret(namespace: str, name: str, data: dict[str, str]) -> str:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": name},
        "stringData": data,
    }
    return f"---\n{json.dumps(secret)}\n"
