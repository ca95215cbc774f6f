"""Base images: pulled where a registry answers, else made on the machine from the distribution's packages."""

import os
import shutil
from pathlib import Path

from voiceagent_sandbox.paths import Paths, content_hash
from voiceagent_sandbox.process import Runner, SandboxError, is_root
from voiceagent_sandbox.progress import Progress
from voiceagent_sandbox.work_folder import work_folder

SUITE = "bookworm"
PYTHON_IMAGE = "python:3.11-slim-bookworm"
PYTHON_PACKAGES = ("python3", "python3-venv", "python3-pip", "ca-certificates", "libgomp1")
NODE_PACKAGES = (
    *(
        "systemd",
        "containerd",
        "runc",
        "containernetworking-plugins",
        "iptables",
        "nftables",
        "conntrack",
        "socat",
    ),
    *(
        "ethtool",
        "kmod",
        "iproute2",
        "util-linux",
        "mount",
        "jq",
        "procps",
        "ca-certificates",
        "curl",
        "e2fsprogs",
    ),
    *("pigz", "catatonit", "hostname"),
)
NODE_ROOT = f"voiceagent-node-root:{content_hash([], SUITE, *NODE_PACKAGES, 'v1')}"
PULL_SECONDS = 600
HOST_CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class BaseImages:
    """Images that others are made from."""

    def __init__(self, paths: Paths, runner: Runner, env: dict[str, str], progress: Progress) -> None:
        self._paths = paths
        self._runner = runner
        self._env = env
        self._progress = progress

    def python(self) -> str:
        """The image that the project's own Dockerfile starts from."""
        made_here = f"voiceagent-base:{content_hash([], SUITE, *PYTHON_PACKAGES, _host_settings(), 'v3')}"
        if image := self.have(made_here, PYTHON_IMAGE):
            return image
        with self._progress.step("Make the Python base image from Debian packages"):
            self._bootstrap(made_here, PYTHON_PACKAGES, carry_host_settings=True)
        return made_here

    def node_root(self) -> str:
        """Debian with systemd and containerd: what kind's own base image holds."""
        if not self.exists(NODE_ROOT):
            with self._progress.step("Make the node's root from Debian packages"):
                self._bootstrap(NODE_ROOT, NODE_PACKAGES, carry_host_settings=False)
        return NODE_ROOT

    def have(self, made_here: str, public: str) -> str | None:
        """The image to use: what is here already, else the public one where a registry answers; None where none does.

        Names must not change from one `up` to the next just because a registry answers again: a running cluster
        would be made anew.
        """
        if self.exists(made_here):
            return made_here
        pull = ("docker", "pull", "--quiet", public)
        if self.exists(public) or self._runner.succeeds(*pull, env=self._env, timeout_seconds=PULL_SECONDS):
            return public
        return None

    def exists(self, image: str) -> bool:
        return self._runner.succeeds("docker", "image", "inspect", "--format", "{{.Id}}", image, env=self._env)

    def _bootstrap(self, tag: str, packages: tuple[str, ...], carry_host_settings: bool) -> None:
        if not is_root():
            raise SandboxError(
                "No container registry answers, so base images must be made here, which needs root: run this as root."
            )
        with work_folder(self._paths.cache, "bootstrap-", self._runner) as work:
            root = work / "root"
            self._runner.run("debootstrap", "--variant=minbase", f"--include={','.join(packages)}", SUITE, root)
            for unneeded in (
                "var/cache/apt",
                "var/lib/apt/lists",
                "usr/share/man",
                "usr/share/locale",
            ):
                shutil.rmtree(root / unneeded, ignore_errors=True)
                (root / unneeded).mkdir(parents=True, exist_ok=True)
            _keep_copyrights(root / "usr/share/doc")
            if carry_host_settings:
                _carry_host_settings(root)
            archive = work / "root.tar"
            self._runner.run("tar", "-C", root, "-cf", archive, ".")
            self._runner.run("docker", "import", archive, tag, env=self._env)


def _keep_copyrights(docs: Path) -> None:
    """Take away all documentation but each package's licence."""
    for file in docs.rglob("*"):
        if file.name != "copyright" and not file.is_dir():
            file.unlink()


def _host_settings() -> str:
    """What a machine behind a proxy of its own needs for pip: it stays on this machine."""
    names = ("/etc/pip.conf", HOST_CA_BUNDLE)
    return "".join(str(Path(name).stat().st_size) for name in names if Path(name).exists())


def _carry_host_settings(root: Path) -> None:
    """Give the local base the host's CA bundle and pip settings, which the legacy builder cannot mount."""
    if Path(HOST_CA_BUNDLE).exists():
        shutil.copyfile(HOST_CA_BUNDLE, root / HOST_CA_BUNDLE.lstrip("/"))
    for name in (
        os.environ.get("PIP_CONFIG_FILE", ""),
        "/etc/pip.conf",
        str(Path.home() / ".config/pip/pip.conf"),
    ):
        if name and Path(name).exists():
            shutil.copyfile(name, root / "etc/pip.conf")
            return
