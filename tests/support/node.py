"""Programs that run on Node."""

import os
from pathlib import Path

from voiceagent_sandbox.paths import default_paths
from voiceagent_sandbox.process import Runner
from voiceagent_sandbox.progress import Progress
from voiceagent_sandbox.requirements import node_folder


def with_node(folder: Path) -> dict[str, str]:
    """An environment whose PATH has a node and npm that are new enough; `folder` takes the log of what that needs."""
    paths = default_paths(os.environ)
    node = node_folder(paths, Runner(folder / "node.log", dict(os.environ)), Progress(lambda: ""))
    return {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}"}
