"""The commands of each page, in their order, typed by an administrator before a real API server, operator and gateway.

There are no pods. So agents are suspended where a page waits for one to be ready; nothing else is other than for a
reader, but for what `doc_commands` fills in.
"""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from control_plane import ADMINISTRATOR, REPOSITORY, Cluster, control_plane
from doc_blocks import Block, blocks
from doc_commands import ENDLESS, ENDLESS_SECONDS, NOT_CHECKED, as_run, codes, why_not
from processes import Processes, free_port
from voiceagent_sandbox.module_files import MONITORING_CRDS, module_file
from voiceagent_sandbox.paths import default_paths

INSTALL = {
    "workerImage": "worker.test/voiceagent-worker:1",
    "livekit": {"url": "ws://livekit.test:7880"},
    "gateway": {"retentionHours": 168},
}
SYSTEM = "voiceagents-system"
RELEASE = "voiceagents"
CHART = "charts/voiceagent-operator"
RECEPTIONIST = (REPOSITORY / "crds/examples/receptionist.yaml").read_text(encoding="utf-8")
ENV = """\
LIVEKIT_URL=wss://livekit.example.com
LLM_PROVIDER=anthropic
LLM_MODEL=claude-3-sonnet
LLM_MODLE=claude-3-sonnet
ANTHROPIC_API_KEY=value-of-a-key
STT_PROVIDER=openai
"""
SECRETS = {
    "livekit": ("LIVEKIT_API_KEY=key", "LIVEKIT_API_SECRET=value"),
    "openai": ("OPENAI_API_KEY=value",),
    "deepgram": ("DEEPGRAM_API_KEY=value",),
    "elevenlabs": ("ELEVEN_API_KEY=value",),
}
SHELL = [one for one in blocks() if one.language in ("sh", "console")]
TYPED = sorted({one.page for one in SHELL if one.language == "sh"})


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One of its own, whose CRD is the release's, and which has the Prometheus operator's CRDs."""
    with control_plane(tmp_path_factory.mktemp("cluster")) as started:
        started.start_controllers()
        crd = "crd/voiceagents.voiceagents.dev"
        started.do("label", crd, "app.kubernetes.io/managed-by=Helm")
        release = (f"meta.helm.sh/release-name={RELEASE}", f"meta.helm.sh/release-namespace={SYSTEM}")
        started.do("annotate", crd, *release)
        for name in (SYSTEM, "blue"):
            started.do("create", "namespace", name)
        for name in MONITORING_CRDS:
            started.do("apply", "--server-side", "-f", str(module_file(default_paths(dict(os.environ)), name)))
        yield started


@pytest.fixture(scope="module")
def gateway(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a gateway; beside it an operator, both as programs."""
    folder, port, health = tmp_path_factory.mktemp("programs"), free_port(), free_port()
    (folder / "install.yaml").write_text(yaml.safe_dump(INSTALL), encoding="utf-8")
    config = ("--config", "install.yaml")
    processes = Processes(folder)
    started = {"KUBECONFIG": str(cluster.kubeconfig(*ADMINISTRATOR))}

    def start(module: str, *words: str) -> None:
        run = f"runpy.run_module({module!r}, run_name='__main__')"
        code = f"import os, runpy; os.environ.update({started!r}); {run}"
        processes.start(module, sys.executable, "-c", code, *config, *words)

    start("voiceagent_operator", "--health-host", "127.0.0.1", "--health-port", str(health))
    start("voiceagent_gateway", "--host", "127.0.0.1", "--port", str(port), "--own-namespace", "default")
    try:
        for one in (health, port):
            cluster.until(lambda one=one: _answers(one), f"port {one} is ready", 120)
        yield f"http://127.0.0.1:{port}"
    finally:
        processes.stop()


class Desk:
    """Where somebody reads a page and types what it says."""

    def __init__(self, cluster: Cluster, folder: Path, namespace: str, gateway: str) -> None:
        self.cluster, self.folder, self.namespace, self.gateway = cluster, folder, namespace, gateway
        (folder / "bin").mkdir()
        (folder / "bin/kubectl").symlink_to((cluster.binaries / "kubectl").resolve())
        (folder / "bin/helm").symlink_to(Path(os.environ["HELM_BINARY"]).resolve())
        (folder / ".env").write_text(ENV, encoding="utf-8")
        for name in ("charts", "crds"):
            (folder / name).symlink_to(REPOSITORY / name)
        document = yaml.safe_load(cluster.kubeconfig(*ADMINISTRATOR).read_text(encoding="utf-8"))
        document["contexts"][0]["context"]["namespace"] = namespace
        (folder / "kubeconfig").write_text(yaml.safe_dump(document), encoding="utf-8")
        self._environment = {
            "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "KUBECONFIG": str(folder / "kubeconfig"),
            "COLUMNS": "200",
            "KEY": "va_me_1",
        }

    def type(self, commands: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands], stdin=subprocess.DEVNULL,
            cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip

    def must(self, commands: str) -> None:
        done = self.type(commands)
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"

    def as_run(self, command: str) -> str:
        return as_run(command, namespace=self.namespace, gateway=self.gateway)


@pytest.fixture
def desk(cluster: Cluster, gateway: str, tmp_path: Path) -> Iterator[Desk]:
    """In a namespace and a folder of its own."""
    namespace = f"page-{uuid.uuid4().hex[:8]}"
    cluster.do("create", "namespace", namespace)
    yield Desk(cluster, tmp_path, namespace, gateway)
    cluster.do("delete", "voiceagents", "--all", "-n", namespace, "--wait=false")


@pytest.mark.parametrize("page", TYPED)
def test_the_page_from_the_first_command_to_the_last(desk: Desk, page: str) -> None:
    mine = [one for one in SHELL if one.page == page and one.language == "sh"]
    arrange(desk, page, [command for one in mine for command in one.commands])
    for block in mine:
        before = ""
        for command in block.commands:
            if why_not(page, command):
                continue
            prepare(desk, command)
            before = typed(desk, block, command, before)


def arrange(desk: Desk, page: str, commands: list[str]) -> None:
    """What a reader of the page has already: an agent, in a file and on the cluster, and what it needs."""
    written = "\n".join(commands)
    (desk.folder / "agent.yaml").write_text(RECEPTIONIST, encoding="utf-8")
    for block in blocks():
        if block.page == page and block.language == "yaml" and "name: accueil" in block.text:
            (desk.folder / "accueil.yaml").write_text(block.text, encoding="utf-8")
    for name, values in SECRETS.items():
        if f"secret generic {name} " not in written:
            desk.must(f"kubectl create secret generic {name} " + " ".join(f"--from-literal={one}" for one in values))
    desk.must(f"helm uninstall {RELEASE} -n {SYSTEM} --ignore-not-found")
    desk.must(f"kubectl delete secret voiceagents-api-keys prometheus-key -n {SYSTEM} --ignore-not-found")
    if "helm upgrade" in written and "helm install" not in written:
        desk.must(f"helm install {RELEASE} {CHART} -n {SYSTEM}")
    if "kubectl apply -f" not in written:
        desk.must("kubectl apply -f agent.yaml")


def prepare(desk: Desk, command: str) -> None:
    """What has happened in the meantime for a reader."""
    if command.startswith("helm install"):
        desk.must(f"helm uninstall {RELEASE} -n {SYSTEM} --ignore-not-found")
    if command.startswith("voiceagent apply"):
        # What a file and a command both set is a conflict, as it should be; here the file is new to the cluster.
        desk.must("kubectl delete voiceagents --all")
    if command.startswith("voiceagent keys create website"):
        desk.must(f"kubectl delete secret voiceagents-api-keys -n {SYSTEM} --ignore-not-found")
    if command.startswith("kubectl patch secret voiceagents-api-keys"):
        desk.must("voiceagent keys create website --agents 'default/*'")
    if re.search(r"kubectl wait|rollout status", command):
        existing = 'kubectl get va -o name | xargs -r -n1 kubectl patch --type=merge -p \'{"spec":{"suspend":true}}\''
        desk.must(existing)
        _patched_file(desk.folder / "agent.yaml")
    if "rollout undo" in command:

        def revisions() -> bool:
            return len(desk.cluster.list("controllerrevisions", desk.namespace)) > 1

        if not revisions():
            desk.must("voiceagent change-llm openai gpt-4.1 --yes")
        desk.cluster.until(revisions, "the operator keeps the spec of before", 60)


def typed(desk: Desk, block: Block, command: str, before: str) -> str:
    """Run a command; returns the assignments that later ones of its block may use."""
    run = desk.as_run(command)
    if re.match(r"[A-Z]+=\$\(", run):
        return f"{before}{run}\n"
    if ENDLESS.search(run):
        done = desk.type(f"{before}timeout -s INT {ENDLESS_SECONDS} {run}")
        assert (done.stdout + done.stderr).strip(), f"{block.place}: {run}: says nothing"
        assert done.returncode in (0, 124, 130), f"{block.place}: {run}\n{done.stdout}{done.stderr}"
        return before
    done = desk.type(f"{before}{run}")
    assert done.returncode in codes(run), f"{block.place}: {run}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr, f"{block.place}: {run}\n{done.stderr}"
    return before


SHOWN = [
    one
    for one in SHELL
    if one.language == "console"
    and not any(key[:2] == (one.page, "console") and key[2] in one.text for key in NOT_CHECKED)
]


@pytest.mark.parametrize("page", sorted({one.page for one in SHOWN}))
def test_what_a_page_shows_is_what_is_answered(desk: Desk, page: str) -> None:
    for block in (one for one in SHOWN if one.page == page):
        for command, lines in block.shown:
            asks = any("(y/N)" in line for line in lines)
            done = desk.type(desk.as_run(command) if asks else command)
            answered = done.stdout + done.stderr
            for line in lines:
                if "(y/N)" not in line:
                    assert line.removesuffix("…").rstrip() in answered, f"{block.place}: {command}\n{answered}"


def _patched_file(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["spec"]["suspend"] = True
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.HTTPError, OSError):
        return False
