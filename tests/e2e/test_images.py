"""What the images hold, as they are built here: every target, also those that the sandbox's cluster does not run."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from version import agreed_version
from voiceagent_sandbox.engine import Engine
from voiceagent_sandbox.images import SOURCES
from voiceagent_sandbox.paths import REPO, default_paths
from voiceagent_sandbox.process import Runner

RELEASE = agreed_version(REPO)
LISTS = REPO / "build" / "images"
BUILD_SECONDS = 1800
PROGRAMS = {
    "operator": "voiceagent-operator",
    "gateway": "voiceagent-gateway",
    "worker": "voiceagent-worker",
    "worker-full": "voiceagent-worker",
    "speech": "voiceagent-speech",
}
TOOLS = ("pip", "pip3", "uv", "gcc", "cc", "make", "apt", "apt-get", "hatchling", "git")
MODULES = ("pip", "setuptools", "ensurepip", "uv", "hatchling", "spdx_tools")
LOOK = f"""
import importlib.metadata, importlib.util, json, os, pathlib, shutil, stat
def raised(path):
    try:
        return path.is_file() and not path.is_symlink() and path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)
    except OSError:
        return False
folders = [pathlib.Path(name) for name in ("/usr", "/venv", "/etc", "/opt")]
print(json.dumps({{
    "user": os.getuid(), "group": os.getgid(),
    "tools": [name for name in {TOOLS} if shutil.which(name)],
    "modules": [name for name in {MODULES} if importlib.util.find_spec(name)],
    "raised": [str(path) for folder in folders for path in folder.rglob("*") if raised(path)],
    "packages": sorted(one.metadata["Name"] for one in importlib.metadata.distributions()),
}}))
"""
PROVIDERS = """
import json
from voiceagent_api.catalogue import CATALOGUE
from voiceagent_worker.providers import find_factory
from voiceagent_worker.registry import FULL_REMEDY, missing_package
told = {}
for entry in CATALOGUE:
    missing = missing_package(entry)
    if missing is None:
        find_factory(entry.kind, entry.name)
    told[f"{entry.kind} {entry.name}"] = missing and f"{missing} {FULL_REMEDY}"
print(json.dumps(told))
"""
Docker = Callable[..., str]


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Docker:
    """The engine that the sandbox uses, with every image built."""
    command = [sys.executable, "-m", "voiceagent_sandbox", "images"]
    environment = {**os.environ, "PYTHONPATH": str(REPO / "sandbox" / "src")}
    done = subprocess.run(
        command, cwd=REPO, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    runner = Runner(tmp_path_factory.mktemp("log") / "docker.log", os.environ)
    env = Engine(default_paths(dict(os.environ)), runner).env()

    def run(*words: str) -> str:
        return runner.run("docker", *words, env=env, timeout_seconds=300)

    return run


def in_image(docker: Docker, target: str, *words: str) -> str:
    """What a program of the image says, as pods run it: without network, on a root that it cannot write."""
    place = ("run", "--rm", "--read-only", "--tmpfs", "/tmp", "--network", "none", "--cap-drop", "ALL")
    return docker(*place, "--entrypoint", words[0], f"voiceagent-operator/{target}:{RELEASE}", *words[1:])


@pytest.mark.timeout(BUILD_SECONDS)
@pytest.mark.parametrize("target", SOURCES)
def test_an_image_runs_as_nobody_in_particular_and_has_no_tool_that_installs_or_builds(
    docker: Docker, target: str
) -> None:
    seen = json.loads(in_image(docker, target, "python3", "-c", LOOK))
    assert (seen["user"], seen["group"]) == (65532, 65532)
    assert (seen["tools"], seen["modules"], seen["raised"]) == ([], [], [])
    assert ("piper-tts" in seen["packages"]) == (target == "speech")


@pytest.mark.parametrize("target", SOURCES)
def test_an_image_tells_version_and_commit_when_asked_and_by_its_labels(docker: Docker, target: str) -> None:
    image = f"voiceagent-operator/{target}:{RELEASE}"
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", image))
    revision = labels["org.opencontainers.image.revision"]
    assert labels["org.opencontainers.image.version"] == RELEASE
    assert revision
    said = docker("run", "--rm", "--network", "none", image, "--version")
    assert said == f"{PROGRAMS[target]} {RELEASE} (commit {revision})\n"


@pytest.mark.parametrize("target", SOURCES)
def test_an_images_sbom_is_valid_and_names_every_package_in_it(docker: Docker, target: str) -> None:
    text = in_image(docker, target, "cat", "/usr/share/voiceagent/sbom.spdx.json")
    written = LISTS / target / "sbom.spdx.json"
    assert written.read_text(encoding="utf-8") == text
    assert validate_full_spdx_document(parse_file(str(written))) == []
    document: dict[str, Any] = json.loads(text)
    named = {
        ref["referenceLocator"].partition("?")[0].rpartition("@")[0]
        for package in document["packages"]
        for ref in package.get("externalRefs", ())
    }
    found = json.loads(in_image(docker, target, "python3", "-c", LOOK))["packages"]
    python = {f"pkg:pypi/{name.lower().replace('_', '-').replace('.', '-')}" for name in found}
    debian = {
        f"pkg:deb/debian/{line.split()[0]}"
        for line in in_image(docker, target, "dpkg-query", "-W", "-f", "${Package} ${Status}\n").splitlines()
        if line.endswith(" installed")
    }
    assert python and debian
    assert python | debian <= named
    assert ("pkg:npm/livekit-client" in named) == (target == "gateway")


@pytest.mark.parametrize("target", SOURCES)
def test_an_images_licences_are_listed_and_their_texts_are_in_it(docker: Docker, target: str) -> None:
    lines = in_image(docker, target, "cat", "/usr/share/voiceagent/licenses.txt").splitlines()
    packages = {line.split()[0]: line.partition(": ")[2] for line in lines if line.startswith("  ")}
    assert packages["libc6"] == "GPL-2.0-only AND LGPL-2.1-only"
    assert in_image(docker, target, "cat", "/usr/share/doc/libc6/copyright")
    unstated = {name for name, licence in packages.items() if licence == "no licence stated"}
    assert not {name for name in unstated if not name.startswith("voiceagent-")}


def test_the_worker_image_has_what_its_providers_need_and_names_the_full_one_for_the_others(docker: Docker) -> None:
    small = json.loads(in_image(docker, "worker", "python3", "-c", PROVIDERS))
    full = json.loads(in_image(docker, "worker-full", "python3", "-c", PROVIDERS))
    lacking = {name for name, missing in small.items() if missing}
    assert lacking == {"stt google", "stt azure", "llm anthropic", "llm google", "tts azure", "tts google"}
    assert all("worker.image.variant=full" in small[name] for name in lacking)
    assert set(full) == set(small) and not any(full.values())


def test_sizes_are_measured_and_the_full_worker_is_the_larger_one(docker: Docker) -> None:
    sizes = json.loads((LISTS / "sizes.json").read_text(encoding="utf-8"))
    assert set(sizes) == set(SOURCES)
    assert sizes["worker"] < sizes["worker-full"]


def test_the_readme_tells_the_size_of_every_image() -> None:
    readme = (Path(REPO) / "README.md").read_text(encoding="utf-8")
    assert [target for target in SOURCES if f"| `{target}` |" not in readme] == []
