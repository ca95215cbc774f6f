"""The chart, as the pinned helm renders it."""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "voiceagent-operator"


def helm(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the pinned helm."""
    program = Path(os.environ.get("HELM_BINARY", "helm"))
    assert program.exists(), f"{program} is missing; run `make test-integration`."
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=120, check=False)


def render(*settings: str, namespace: str = "default") -> list[dict[str, Any]]:
    """The objects that the chart makes with these `--set` words."""
    sets = [word for setting in settings for word in ("--set", setting)]
    done = helm("template", "voiceagents", str(CHART), "--namespace", namespace, "--include-crds", *sets)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]
