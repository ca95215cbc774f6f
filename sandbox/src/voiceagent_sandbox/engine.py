"""The Docker engine: the one that runs, or one of the sandbox's own with its own folder, socket and addresses."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from voiceagent_sandbox.paths import Paths
from voiceagent_sandbox.process import Runner, SandboxError, alive, is_root

BRIDGE_ADDRESS = "198.18.0.1/24"
NETWORK_POOL = "198.18.64.0/18"
"""198.18.0.0/15 is kept for tests between machines (RFC 2544), so it is nobody's network."""
BRIDGE_NAME = "va-sandbox"
OWN_RULES = ("DOCKER", "docker0", BRIDGE_NAME, " 198.18.")
"""What marks a line of iptables-save as made by the sandbox's own engine."""
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
            (run / "before.json").write_text(json.dumps({"ip_forward": _ip_forward(), "policy": self._policy()}))
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
        """After a kill: processes and mounts of an engine of ours that is no more."""
        ours = (str(self._paths.run), str(self._paths.engine_data))
        for _ in range(2):
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and int(entry.name) != os.getpid():
                    try:
                        line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    except OSError:
                        continue
                    if line.split(" ")[0].rsplit("/", 1)[-1].startswith(("containerd", "dockerd")) and any(
                        folder in line for folder in ours
                    ):
                        _kill(int(entry.name))
            time.sleep(0.5)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((m for m in mounts if m.startswith(ours)), reverse=True):
            self._runner.succeeds("umount", "-l", mount)
        self._pid_file.unlink(missing_ok=True)

    def _policy(self) -> str:
        try:
            first = self._runner.run("iptables", "-S", "FORWARD").splitlines()[0]
        except (SandboxError, OSError, IndexError):
            return "ACCEPT"
        return first.split()[-1]

    def _remove_network_rules(self) -> None:
        """Take out every chain and rule that the engine made, and set forwarding as it was before it."""
        before = json.loads((self._paths.run / "before.json").read_text())
        for tool in ("iptables", "ip6tables"):
            try:
                saved = self._runner.run(f"{tool}-save")
            except (SandboxError, OSError):
                continue
            kept = [line for line in saved.splitlines() if not any(word in line for word in OWN_RULES)]
            policy = before["policy"] if tool == "iptables" else None
            text = "\n".join(
                f":FORWARD {policy} [0:0]" if policy and li.startswith(":FORWARD DROP") else li for li in kept
            )
            if text + "\n" != saved:
                self._runner.run(f"{tool}-restore", stdin=text + "\n")
        for bridge in ("docker0", BRIDGE_NAME):
            self._runner.succeeds("ip", "link", "delete", bridge)
        Path("/proc/sys/net/ipv4/ip_forward").write_text(before["ip_forward"])


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


def _wait_until(holds: object, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():  # type: ignore[operator]
            return True
        time.sleep(0.3)
    return False
