"""Every block of README.md and docs/*.md is run, or read by what would read it, or named with the reason why not."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart import helm
from control_plane import REPOSITORY
from doc_blocks import PAGES, Block, blocks
from doc_commands import NOT_CHECKED, NOT_RUN, as_run, why_not

RECEPTIONIST = yaml.safe_load((REPOSITORY / "crds/examples/receptionist.yaml").read_text(encoding="utf-8"))
VALUES = yaml.safe_load((REPOSITORY / "charts/voiceagent-operator/values.yaml").read_text(encoding="utf-8"))
RUN = ("sh", "console")
CHECKED = ("yaml", "python", "json", "toml", "ini")
EVERY = list(blocks())


def passed_over(block: Block) -> tuple[str, ...] | None:
    return next(
        (
            key
            for key in NOT_CHECKED
            if key[:2] == (block.page, block.language) and (len(key) == 2 or key[2] in block.text)
        ),
        None,
    )


def of(*languages: str) -> list[Any]:
    found = [one for one in EVERY if one.language in languages and not passed_over(one)]
    return [pytest.param(one, id=one.place) for one in found]


def test_every_block_is_run_or_read_or_named() -> None:
    assert len(EVERY) > 50
    unknown = [one.place for one in EVERY if one.language not in (*RUN, *CHECKED) and not passed_over(one)]
    assert not unknown, "neither run nor read; give them a language, or a reason in tests/support/doc_commands.py"


def test_what_is_not_run_or_read_is_still_there() -> None:
    for entry in NOT_RUN:
        commands = [command for one in EVERY if one.page == entry.page for command in one.commands]
        assert [one for one in commands if one.startswith(entry.begins)], f"{entry} is used no more"
    used = {passed_over(one) for one in EVERY}
    assert set(NOT_CHECKED) <= used


def test_no_command_hides_outside_of_a_block() -> None:
    """As four spaces and a word that is a program, which git hosts show as a block, too."""
    for page in PAGES:
        fenced = False
        before = ""
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            fenced ^= line.startswith("```")
            hidden = line.startswith(("    kubectl ", "    helm ", "    voiceagent ", "    make ", "    curl "))
            assert fenced or not hidden or before.strip(), f"{page.name}:{number}"
            before = line


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml(cluster: Any, tmp_path: Path, block: Block) -> None:
    documents = [one for one in yaml.safe_load_all(block.text) if one]
    assert documents
    for document in documents:
        if "kind" in document:
            dry_run(cluster, document)
        elif set(document) == {"spec"}:
            dry_run(cluster, {**RECEPTIONIST, "spec": {**RECEPTIONIST["spec"], **document["spec"]}})
        else:
            assert set(document) <= set(VALUES), "neither a manifest, nor a part of one, nor values of the chart"
            (tmp_path / "values.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
            chart = str(REPOSITORY / "charts/voiceagent-operator")
            done = helm("template", "voiceagents", chart, "-f", str(tmp_path / "values.yaml"))
            assert done.returncode == 0, done.stderr


def dry_run(cluster: Any, document: dict[str, Any]) -> None:
    words = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-n", "default", "-f", "-")
    cluster.do(*words, text=json.dumps(document))


@pytest.mark.parametrize("block", of("python"))
def test_python(tmp_path: Path, block: Block) -> None:
    """Executed as a module, in a process of its own."""
    (tmp_path / "page.py").write_text(f"from __future__ import annotations\n{block.text}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "import page"],
        cwd=tmp_path,
        env={**os.environ, "WEBHOOK_SECRET": "w"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", of("json"))
def test_json(block: Block) -> None:
    assert json.loads(block.text.replace("…}", "}").replace(", …", ""))


@pytest.mark.parametrize("block", of("toml"))
def test_toml(block: Block) -> None:
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("block", of("ini"))
def test_ini(block: Block) -> None:
    assert all("=" in line for line in block.text.splitlines())


def test_commands_are_taken_apart_as_a_shell_would() -> None:
    block = Block(
        "p.md", 1, "sh", "# only words\nhelm install a b \\\n  --set c=d   # why\nvoiceagent apply -f x && ls\n"
    )
    assert block.commands == ["helm install a b --set c=d", "voiceagent apply -f x && ls"]
    assert as_run(block.commands[1]) == "voiceagent apply -f x --yes && ls"
    assert why_not("README.md", "make demo") is not None
    assert why_not("README.md", "kubectl get voiceagents") is None
