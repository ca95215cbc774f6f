"""What a killed command leaves behind is known as the sandbox's own; nothing else is."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from voiceagent_sandbox.engine import ENGINE_RULES, OWN_RULES, in_container, of_engine, without_rules
from voiceagent_sandbox.images import KEPT_TAGS, names_of, outdated
from voiceagent_sandbox.paths import Paths
from voiceagent_sandbox.process import Runner, SandboxError
from voiceagent_sandbox.state import Mode, State
from voiceagent_sandbox.work_folder import mounts_below, remove_stale, work_folder

ID = "0a" * 32
SAVED = """*filter
:FORWARD DROP [0:0]
:DOCKER - [0:0]
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -o va-sandbox -j ACCEPT
-A FORWARD -s 10.1.0.0/16 -j ACCEPT
-A POSTROUTING -s 198.18.128.0/24 -j MASQUERADE
COMMIT
"""


def test_the_engines_rules_go_and_others_stay() -> None:
    kept = without_rules(SAVED, ENGINE_RULES, "ACCEPT")
    assert kept == "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -s 10.1.0.0/16 -j ACCEPT\nCOMMIT\n"


def test_another_engines_chains_and_policy_stay() -> None:
    kept = without_rules(SAVED, OWN_RULES, None)
    assert ":FORWARD DROP" in kept
    assert "-o docker0 -j DOCKER" in kept
    assert "va-sandbox" not in kept
    assert "198.18." not in kept


def test_a_process_is_ours_by_the_folder_it_works_in_or_the_container_it_runs_in() -> None:
    folders = (Path("/run/voiceagent-sandbox"),)
    assert of_engine(["/usr/bin/containerd", "--config", "/run/voiceagent-sandbox/x"], folders)
    assert not of_engine(["/usr/bin/containerd", "--config", "/etc/containerd/x"], folders)
    assert not of_engine(["vi", "/run/voiceagent-sandbox/dockerd.log"], folders)
    assert in_container(f"0::/docker/{ID}/kubelet.slice/kubelet.service\n", (ID,))
    assert not in_container("0::/user.slice\n", (ID,))


def test_mounts_are_undone_from_the_inside_out() -> None:
    mounts = "proc /a/root/proc proc rw 0 0\nx /a/root x rw 0 0\ny /ab y rw 0 0\n"
    assert mounts_below((Path("/a"),), mounts) == ["/a/root/proc", "/a/root"]


def test_half_made_images_are_swept_away_and_the_rest_of_the_cache_stays(tmp_path: Path) -> None:
    for name in ("bootstrap-x1/root", "node-x2", "image-x3", "servers", "engine"):
        (tmp_path / name).mkdir(parents=True)
    runner = Runner(tmp_path / "logs" / "log", dict(os.environ))
    remove_stale(tmp_path, runner)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["engine", "logs", "servers"]
    with work_folder(tmp_path, "node-", runner) as work:
        (work / "file").touch()
    assert not work.exists()


def test_only_the_projects_own_images_are_ever_removed() -> None:
    listed = "voiceagent-operator/worker:1\nvoiceagent-base:2\npython:3.11\nkindest/node:v1\nmy/voiceagent-base:3\n"
    assert names_of(listed) == ["voiceagent-operator/worker:1", "voiceagent-base:2"]


def test_the_newest_images_and_those_in_use_are_kept() -> None:
    names = [f"voiceagent-operator/worker:{age}" for age in range(KEPT_TAGS + 3)] + ["voiceagent-operator/gateway:9"]
    assert outdated(names, {names[KEPT_TAGS]}) == names[KEPT_TAGS + 1 : KEPT_TAGS + 3]


def test_a_release_is_never_forgotten_and_crowds_nobody_out() -> None:
    releases = [f"voiceagent-operator/worker:0.{minor}.0" for minor in range(KEPT_TAGS + 1)]
    names = [*releases, *(f"voiceagent-operator/worker:{age}" for age in range(KEPT_TAGS))]
    assert outdated(names, set()) == []


def test_the_sandbox_is_up_from_its_first_moment_and_not_by_its_folder(tmp_path: Path) -> None:
    paths = Paths(repo=tmp_path, cache=tmp_path / "cache", run=tmp_path / "run")
    state = State(paths)
    paths.run.mkdir()
    assert state.mode() is None
    state.begin(Mode.EXISTING)
    assert State(paths).mode() is Mode.EXISTING
    state.begin(Mode.EXISTING)
    with pytest.raises(SandboxError, match="in an existing cluster"):
        state.begin(Mode.OWN)


def test_an_engine_without_a_mark_is_the_sandboxs_own(tmp_path: Path) -> None:
    paths = Paths(repo=tmp_path, cache=tmp_path / "cache", run=tmp_path)
    (tmp_path / "daemon.json").write_text("{}")
    assert State(paths).mode() is Mode.OWN


def test_a_program_that_outlives_its_command_keeps_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    runner = Runner(tmp_path / "log", dict(os.environ))
    free = ("flock", "--nonblock", str(lock), "true")
    with runner.alone(lock, lambda: None):
        assert subprocess.run(free, check=False).returncode != 0
        runner.run("sh", "-c", "sleep 3 >/dev/null 2>&1 &")
    assert subprocess.run(free, check=False).returncode != 0
    deadline = time.monotonic() + 60
    while subprocess.run(free, check=False).returncode != 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_program_may_undo_what_it_did_before_it_is_ended(tmp_path: Path) -> None:
    undone = tmp_path / "undone"
    script = f"trap 'touch {undone}; exit 1' TERM; while :; do sleep 0.1; done"
    with pytest.raises(SandboxError, match="took over"):
        Runner(tmp_path / "log", dict(os.environ)).run("sh", "-c", script, timeout_seconds=1)
    assert undone.exists()


def test_output_that_holds_a_secret_is_returned_and_not_logged(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "log", dict(os.environ))
    assert runner.run("cat", stdin="quiet", log_output=False) == "quiet"
    assert "quiet" not in (tmp_path / "log").read_text() + runner.last_line


def test_a_log_that_has_grown_is_begun_anew(tmp_path: Path) -> None:
    log = tmp_path / "sandbox.log"
    with log.open("wb") as file:
        file.truncate(10_000_001)
    Runner(log, {})
    assert not log.exists()
    assert (tmp_path / "sandbox.log.1").exists()
