"""The worker and the plain agent as processes on loopback, with the same providers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from local_livekit import LiveKit
from worker_process import end, new_worker

GREETING = "Hello, how can I help?"
Who = Literal["worker", "plain"]
PLAIN = Path(__file__).with_name("plain_agent.py")
START_SECONDS = 60.0
SETTLE_SECONDS = 6.0
"""From the registration on, for the idle process to be warmed."""
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Contestant:
    """One of the two, running."""

    who: Who
    agent_name: str
    log: Path
    process: subprocess.Popen[bytes]
    started_at: float

    def until_registered(self) -> float:
        """Seconds from its start until LiveKit knew it, by its own log."""
        deadline = self.started_at + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if "registered worker" in self.log.read_text():
                return time.monotonic() - self.started_at
            time.sleep(0.005)
        raise TimeoutError(f"{self.who} did not register:\n{self.log.read_text()[-2000:]}")

    def memory(self) -> float:
        """MiB of the whole tree of processes, what they share counted once."""
        return sum(_pss(pid) for pid in self._tree()) / MEBIBYTE

    def cpu_seconds(self) -> float:
        """What the tree has used, its ended processes too."""
        return sum(_cpu_seconds(pid) for pid in self._tree())

    def _tree(self) -> list[int]:
        rows = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        children: dict[int, list[int]] = {}
        for pid, parent in (map(int, row.split()) for row in rows.splitlines()):
            children.setdefault(parent, []).append(pid)
        found = [self.process.pid]
        for pid in found:
            found.extend(children.get(pid, ()))
        return found


@contextmanager
def contestant(who: Who, folder: Path, livekit: LiveKit, speech_url: str) -> Iterator[Contestant]:
    """One that runs for as long as the block."""
    folder.mkdir()
    started_at = time.monotonic()
    if who == "plain":
        process, agent_name = _plain(folder, livekit, speech_url)
        running = Contestant(who, agent_name, folder / "worker.log", process, started_at)
    else:
        worker = new_worker(folder, livekit, max_sessions=50, provider_url=f"{speech_url}/v1", greeting=GREETING)
        running = Contestant(who, worker.agent_name, folder / "worker.log", worker.process, started_at)
    try:
        yield running
    finally:
        if who == "plain":
            with suppress(ProcessLookupError):
                os.killpg(running.process.pid, signal.SIGKILL)
            running.process.wait()
        else:
            end(worker)


def _plain(folder: Path, livekit: LiveKit, speech_url: str) -> tuple[subprocess.Popen[bytes], str]:
    agent_name = f"plain-{folder.name}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.key,
        "LIVEKIT_API_SECRET": livekit.secret,
        "OPENAI_BASE_URL": f"{speech_url}/v1",
        "OPENAI_API_KEY": "any",
        "BENCH_AGENT_NAME": agent_name,
        # 240 MiB that the worker spares where the turn detection does not need them; left out of the comparison
        "LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE": "0",
    }
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(PLAIN), "start"],
            stdout=log,
            stderr=log,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    return process, agent_name


def _pss(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Pss":
                return int(rest.split()[0]) * 1024
    return 0


def _cpu_seconds(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # utime, stime and those of children that were waited for
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0
