"""The chart, as the pinned helm renders it."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "voiceagent-operator"
RELEASE = "voiceagents"
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def helm(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the pinned helm."""
    program = Path(os.environ.get("HELM_BINARY", "helm"))
    assert program.exists(), f"{program} is missing; run `make test-integration`."
    return subprocess.run([program, *words], input=text, capture_output=True, text=True, timeout=120, check=False)


def render(*settings: str, namespace: str = "default") -> list[dict[str, Any]]:
    """The objects that the chart makes with these `--set` words."""
    sets = [word for setting in settings for word in ("--set", setting)]
    return _objects(helm("template", RELEASE, str(CHART), "--namespace", namespace, "--include-crds", *sets))


def template(values: Mapping[str, Any], namespace: str = "default") -> subprocess.CompletedProcess[str]:
    """What helm says to these values."""
    words = ("template", RELEASE, str(CHART), "--namespace", namespace, "--values", "-")
    return helm(*words, text=json.dumps(values))


def render_values(values: Mapping[str, Any], namespace: str = "default") -> list[dict[str, Any]]:
    """The objects that the chart makes with these values."""
    return _objects(template(values, namespace))


def _objects(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.load_all(done.stdout, Loader) if document]
