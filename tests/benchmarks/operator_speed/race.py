"""One contestant, one number of agents: from its first write to the moment when all agents have converged."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from operator_speed.fleet import make_agents
from operator_speed.stage import Stage, ended
from voiceagent_sandbox.progress import Progress

QUIET_CORES = 0.15
"""The servers work off what came before; below this many cores they are at rest."""


class RaceFailed(Exception):
    """A contestant ended, or left something undone; the message says what."""


@dataclass(frozen=True)
class Contestant:
    """Who takes part: a command, and what its process is given besides."""

    name: str
    command: tuple[str, ...]
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What was seen."""

    agents: int
    seconds: float
    late: bool
    """Whether it was stopped before its end; `seconds` is then when."""
    cpu: dict[str, float]
    """CPU seconds in that time, by process."""
    load: float
    """The machine's load average at the start."""


class Course:
    """Runs contestants, one after the other, and shows how far they are."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._seen = ""
        self.progress = Progress(lambda: self._seen)

    @contextmanager
    def run(self, contestant: Contestant, agents: int, patience_seconds: float) -> Iterator[tuple[Outcome, int]]:
        """The outcome, and the contestant's process while it still runs."""
        self._seen = "making agents"
        with self.progress.step(f"{contestant.name}, {agents} agents"):
            self.stage.clear()
            asyncio.run(make_agents(self.stage.access, agents))
            self._rest()
            watcher, process = self._watcher(agents, patience_seconds), None
            try:
                load = os.getloadavg()[0]
                process = self.start(contestant)
                outcome = self._follow(watcher, process, contestant, agents, load, patience_seconds)
            except BaseException:
                if process:
                    ended(process)
                raise
            finally:
                self._seen = ""
                ended(watcher)
        told = f"not done after {outcome.seconds:.0f} s" if outcome.late else f"{outcome.seconds:.2f} s"
        busy = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in outcome.cpu.items())
        self.progress.note(f"  converged: {told}; CPU: {busy}; load {load:.1f}")
        try:
            missing = [] if outcome.late else self.stage.missing(agents)
            if missing:
                raise RaceFailed(f"{contestant.name} left children out: {'; '.join(missing)}")
            yield outcome, process.pid
        finally:
            ended(process)

    def start(self, contestant: Contestant) -> "subprocess.Popen[bytes]":
        """Start a contestant's process."""
        environment = self.stage.environment(**contestant.more)
        with self.log(contestant).open("ab") as log:
            return subprocess.Popen(contestant.command, stdout=log, stderr=log, env=environment)

    def log(self, contestant: Contestant) -> Path:
        """Where a contestant writes."""
        return self.stage.folder / f"{contestant.name.replace(' ', '-')}.log"

    def _watcher(self, agents: int, patience_seconds: float) -> "subprocess.Popen[bytes]":
        words = [str(self.stage.access_file), *self.stage.collections]
        words += ["--agents", str(agents), "--seconds", str(patience_seconds)]
        command = [sys.executable, "-m", "operator_speed.watcher", *words]
        watcher = subprocess.Popen(command, stdout=subprocess.PIPE, env=self.stage.environment())
        assert watcher.stdout is not None
        if b"watching" not in watcher.stdout.readline():
            raise RaceFailed("the watcher cannot watch")
        return watcher

    def _follow(
        self,
        watcher: "subprocess.Popen[bytes]",
        process: "subprocess.Popen[bytes]",
        contestant: Contestant,
        agents: int,
        load: float,
        patience_seconds: float,
    ) -> Outcome:
        first, before = time.monotonic(), self.stage.cpu_seconds(contestant=process.pid)
        assert watcher.stdout is not None
        for line in watcher.stdout:
            told = json.loads(line)
            self._require_sound(process, contestant)
            if "first" in told:
                first, before = told["first"], self.stage.cpu_seconds(contestant=process.pid)
            elif "converged" in told:
                self._seen = f"{told['converged']} converged"
            else:
                late = "late" in told
                seconds = patience_seconds if late else told["done"] - first
                after = self.stage.cpu_seconds(contestant=process.pid)
                cpu = {name: value - before[name] for name, value in after.items()}
                return Outcome(agents, seconds, late, cpu, load)
        raise RaceFailed("the watcher ended")

    def _require_sound(self, process: "subprocess.Popen[bytes]", contestant: Contestant) -> None:
        """Raise RaceFailed where a contestant has failed; not waiting for it, so that its CPU time stays readable."""
        gone = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if gone is not None and gone.si_status != 0:
            said = self.log(contestant).read_text(encoding="utf-8")[-3000:]
            raise RaceFailed(f"{contestant.name} ended with {gone.si_status}:\n{said}")

    def _rest(self) -> None:
        """Wait until the servers have worked off what came before."""
        for _ in range(60):
            before = sum(self.stage.cpu_seconds().values())
            time.sleep(1)
            if sum(self.stage.cpu_seconds().values()) - before < QUIET_CORES:
                return
