"""The web client's files, built by npm and kept by content."""

import os
import shutil

from voiceagent_sandbox import requirements
from voiceagent_sandbox.paths import Paths, content_hash
from voiceagent_sandbox.process import Runner
from voiceagent_sandbox.progress import Progress

INPUTS = ("src", "public", "index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")


def build_client(paths: Paths, runner: Runner, progress: Progress) -> None:
    """Have client/dist as its sources say; a page built before from the same sources is copied from the cache."""
    client = paths.repo / "client"
    built = paths.cache / "client" / content_hash([client / name for name in INPUTS if (client / name).exists()])
    if not built.exists():
        node = requirements.node_folder(paths, runner, progress)
        env = {"PATH": f"{node}:{os.environ.get('PATH', '')}"}
        with progress.step("Build the web client"):
            runner.run("npm", "ci", "--no-audit", "--no-fund", cwd=client, env=env)
            runner.run("npm", "run", "build", cwd=client, env=env)
        unfinished = built.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(client / "dist", unfinished)
        unfinished.rename(built)
    shutil.rmtree(client / "dist", ignore_errors=True)
    shutil.copytree(built, client / "dist")
