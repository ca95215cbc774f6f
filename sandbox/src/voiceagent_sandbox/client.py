"""The web client's files, built by npm and kept by content."""

import os
import shutil

from voiceagent_sandbox import requirements
from voiceagent_sandbox.paths import Paths, content_hash
from voiceagent_sandbox.process import Runner
from voiceagent_sandbox.progress import Progress

INPUTS = (
    "src",
    "public",
    "index.html",
    "fleet.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
)


def build_client(paths: Paths, runner: Runner, progress: Progress) -> None:
    """Have client/dist as its sources say; a page built before from the same sources is copied from the cache."""
    client = paths.repo / "client"
    built = paths.cache / "client" / content_hash([client / name for name in INPUTS if (client / name).exists()])
    if not built.exists():
        env = _with_packages(paths, runner, progress)
        with progress.step("Build the web client"):
            runner.run("npm", "run", "build", cwd=client, env=env)
        unfinished = built.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(client / "dist", unfinished)
        unfinished.rename(built)
    shutil.rmtree(client / "dist", ignore_errors=True)
    shutil.copytree(built, client / "dist")


def check_client(paths: Paths, runner: Runner, progress: Progress) -> str:
    """Types, lint and unit tests of the page; returns what the test runner said."""
    env = _with_packages(paths, runner, progress)
    with progress.step("Check and test the web client"):
        runner.run("npm", "run", "check", cwd=paths.repo / "client", env=env)
        return runner.run("npm", "test", cwd=paths.repo / "client", env=env)


def _with_packages(paths: Paths, runner: Runner, progress: Progress) -> dict[str, str]:
    """Have client/node_modules as the lock file says; returns the environment for npm."""
    client = paths.repo / "client"
    env = {"PATH": f"{requirements.node_folder(paths, runner, progress)}:{os.environ.get('PATH', '')}"}
    marker = client / "node_modules" / ".from-lock"
    lock = content_hash([client / "package-lock.json"])
    if not marker.exists() or marker.read_text(encoding="utf-8") != lock:
        with progress.step("Fetch the web client's packages"):
            runner.run("npm", "ci", "--no-audit", "--no-fund", cwd=client, env=env)
        marker.write_text(lock, encoding="utf-8")
    return env
