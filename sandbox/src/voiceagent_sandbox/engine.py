"""The Docker engine: the one that runs, or one of the sandbox's own with its own folder, socket and addresses."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from voiceagent_sandbox.paths import Paths
from voiceagent_sandbox.process import Runner, SandboxError, alive, is_root
from voiceagent_sandbox.work_folder import mounts_below

BRIDGE_ADDRESS = "198.18.0.1/24"
NETWORK_POOL = "198.18.64.0/18"
"""198.18.0.0/15 is kept for tests between machines (RFC 2544), so it is nobody's network."""
BRIDGE_NAME = "va-sandbox"
OWN_RULES = (BRIDGE_NAME, " 198.18.")
ENGINE_RULES = ("DOCKER", "docker0", *OWN_RULES)
"""What marks a line of iptables-save as made by the sandbox's own engine; the first two any engine makes."""
TOOLS = ("iptables", "ip6tables")
START_SECONDS = 60
CAP_SYS_RESOURCE_BIT = 24


class Engine:
    """How to reach the engine, and what to undo on the way down."""

    def __init__(self, paths: Paths, runner: Runner) -> None:
        self._paths = paths
        self._runner = runner
        self._pid_file = paths.run / "dockerd.pid"

    @property
    def own_host(self) -> str:
        return f"unix://{self._paths.engine_socket}"

    def env(self) -> dict[str, str]:
        """What docker and kind need in their environment to reach the engine in use."""
        env = {"DOCKER_BUILDKIT": "0", "DOCKER_CLI_HINTS": "false"}
        if self._pid() or not self._foreign_answers():
            env["DOCKER_HOST"] = self.own_host
        return env

    def reachable(self) -> bool:
        """Whether an engine answers now: the sandbox's own or the machine's."""
        return bool(self._pid() and self._answers(self.own_host)) or self._foreign_answers()

    def start(self) -> str:
        """Use the engine that answers, else start one. Returns a sentence on which it is."""
        if self._pid() and self._answers(self.own_host):
            return "The sandbox's own Docker engine runs."
        if not self._pid() and self._foreign_answers():
            return "Using the Docker engine that runs here."
        if not is_root():
            raise SandboxError("No Docker engine answers. Start one (`sudo systemctl start docker`), or run as root.")
        self._stop_leftovers()
        self._start_own()
        return "Started a Docker engine of the sandbox's own."

    def stop(self) -> None:
        """End the sandbox's own engine and all that it made on this machine; leave any other alone."""
        pid = self._pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
            _wait_until(lambda: not alive(pid, "dockerd"), 60)
        if is_root() and (self._paths.run / "daemon.json").exists():
            self._stop_leftovers()
            self._remove_network_rules()

    def _start_own(self) -> None:
        run = self._paths.run
        run.mkdir(parents=True, exist_ok=True)
        self._paths.engine_data.mkdir(parents=True, exist_ok=True)
        config: dict[str, object] = {
            "data-root": str(self._paths.engine_data),
            "exec-root": str(run / "exec"),
            "pidfile": str(self._pid_file),
            "hosts": [self.own_host],
            "bip": BRIDGE_ADDRESS,
            "default-address-pools": [{"base": NETWORK_POOL, "size": 24}],
            "storage-driver": "overlay2",
            "features": {"buildkit": False},
            "log-level": "warn",
        }
        if lacks_sys_resource():
            wrapper = run / "runc-wrapper"
            body = Path(__file__).with_name("runc_wrapper.py").read_text(encoding="utf-8").split("\n", 1)[1]
            wrapper.write_text(f"#!{os.path.realpath(sys.executable)} -SE\n{body}", encoding="utf-8")
            wrapper.chmod(0o755)
            config |= {
                "oom-score-adjust": 0,
                "default-runtime": "sandbox-runc",
                "runtimes": {"sandbox-runc": {"path": str(wrapper)}},
            }
        if not (run / "before.json").exists():
            (run / "before.json").write_text(json.dumps({"ip_forward": _ip_forward(), "policies": self._policies()}))
        (run / "daemon.json").write_text(json.dumps(config, indent=1))
        log = (run / "dockerd.log").open("ab")
        subprocess.Popen(
            [shutil.which("dockerd") or "dockerd", "--config-file", str(run / "daemon.json")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        if not _wait_until(lambda: self._answers(self.own_host), START_SECONDS):
            raise SandboxError(f"The Docker engine did not start within {START_SECONDS} s; see {run / 'dockerd.log'}.")

    def _pid(self) -> int | None:
        try:
            pid = int(self._pid_file.read_text())
        except (OSError, ValueError):
            return None
        return pid if alive(pid, "dockerd") else None

    def _answers(self, host: str | None) -> bool:
        env = {"DOCKER_HOST": host} if host else {}
        return self._runner.succeeds(
            "docker", "version", "--format", "{{.Server.Version}}", env=env, timeout_seconds=20
        )

    def _foreign_answers(self) -> bool:
        if not (os.environ.get("DOCKER_HOST") or Path("/var/run/docker.sock").exists()):
            return False
        return self._answers(None)

    def _stop_leftovers(self) -> None:
        """After a kill: processes and mounts of an engine of ours that is no more, and what ran in its containers."""
        folders = (self._paths.run, self._paths.engine_data)
        containers = self._paths.engine_data / "containers"
        ids = tuple(entry.name for entry in containers.iterdir()) if containers.exists() else ()
        for _ in range(2):
            for process in Path("/proc").iterdir():
                if not process.name.isdigit() or int(process.name) == os.getpid():
                    continue
                try:
                    words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                    groups = (process / "cgroup").read_text()
                except OSError:
                    continue
                if of_engine(words, folders) or in_container(groups, ids):
                    _kill(int(process.name))
            time.sleep(0.5)
        for mount in mounts_below(folders, Path("/proc/mounts").read_text()):
            self._runner.succeeds("umount", "-l", mount)
        self._pid_file.unlink(missing_ok=True)

    def _policies(self) -> dict[str, str]:
        """What becomes of forwarded packets that no rule names, by tool."""
        policies = {}
        for tool in TOOLS:
            with contextlib.suppress(SandboxError, IndexError):
                policies[tool] = self._runner.run(tool, "-S", "FORWARD").splitlines()[0].split()[-1]
        return policies

    def _remove_network_rules(self) -> None:
        """Take out every chain and rule that the engine made, and set forwarding as it was before it.

        Where another engine was started meanwhile, the chains that both use stay, and so does forwarding.
        """
        before = json.loads((self._paths.run / "before.json").read_text())
        other = self._foreign_answers()
        for tool in TOOLS:
            try:
                saved = self._runner.run(f"{tool}-save")
            except SandboxError:
                continue
            policy = None if other else before.get("policies", {}).get(tool)
            text = without_rules(saved, OWN_RULES if other else ENGINE_RULES, policy)
            if text != saved:
                self._runner.run(f"{tool}-restore", stdin=text)
        for bridge in (BRIDGE_NAME,) if other else ("docker0", BRIDGE_NAME):
            # The ends of containers that were killed with their engine would outlive the bridge.
            for end in Path(f"/sys/class/net/{bridge}/brif").glob("*"):
                self._runner.succeeds("ip", "link", "delete", end.name)
            self._runner.succeeds("ip", "link", "delete", bridge)
        if not other:
            Path("/proc/sys/net/ipv4/ip_forward").write_text(before["ip_forward"])


def of_engine(words: list[str], folders: tuple[Path, ...]) -> bool:
    """Whether a command line is that of dockerd, containerd or a shim, working in one of the folders."""
    program = words[0].rsplit("/", 1)[-1]
    return program.startswith(("containerd", "dockerd")) and any(str(f) in word for f in folders for word in words)


def in_container(groups: str, ids: tuple[str, ...]) -> bool:
    """Whether a process's control groups (/proc/…/cgroup) are of one of the containers."""
    return any(name in groups for name in ids)


def without_rules(saved: str, marks: tuple[str, ...], policy: str | None) -> str:
    """iptables-save's words without the lines that have a mark, and with the policy where packets are dropped."""
    kept = [line for line in saved.splitlines() if not any(mark in line for mark in marks)]
    lines = [f":FORWARD {policy} [0:0]" if policy and line.startswith(":FORWARD DROP") else line for line in kept]
    return "\n".join(lines) + "\n" if lines else ""


def lacks_sys_resource() -> bool:
    """Whether this process may not be given CAP_SYS_RESOURCE."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapBnd:"):
            return not int(line.split()[1], 16) >> CAP_SYS_RESOURCE_BIT & 1
    return False


def _ip_forward() -> str:
    return Path("/proc/sys/net/ipv4/ip_forward").read_text()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.3)
    return False
