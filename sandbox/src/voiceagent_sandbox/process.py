"""Running other programs: their output goes to a log, and a failure becomes a sentence with its last lines."""

import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path


class SandboxError(Exception):
    """Something a user can read and act on; shown without a traceback."""


class Runner:
    """Runs programs with one environment and one log file; remembers the last line for the progress display."""

    def __init__(self, log: Path, env: Mapping[str, str]) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self.env = dict(env)
        self.last_line = ""

    def run(
        self,
        *command: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout_seconds: float = 3600,
    ) -> str:
        """Run to the end and return standard output. Raises SandboxError when it fails or takes too long."""
        words = [str(word) for word in command]
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(words)}\n".encode())
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env={**self.env, **(env or {})},
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        captured: dict[str, list[bytes]] = {"out": [], "err": []}
        readers = [
            threading.Thread(target=self._read, args=(process.stdout, captured["out"]), daemon=True),
            threading.Thread(target=self._read, args=(process.stderr, captured["err"]), daemon=True),
        ]
        for reader in readers:
            reader.start()
        try:
            if stdin is not None and process.stdin is not None:
                process.stdin.write(stdin.encode())
                process.stdin.close()
            code = process.wait(timeout=timeout_seconds)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise SandboxError(f"`{words[0]}` took over {timeout_seconds:.0f} s; see {self.log}.") from error
        except BaseException:
            process.kill()
            raise
        for reader in readers:
            reader.join(timeout=10)
        out = b"".join(captured["out"]).decode(errors="replace")
        if code != 0:
            said = (b"".join(captured["err"]).decode(errors="replace") or out).strip().splitlines()[-6:]
            raise SandboxError(
                f"`{' '.join(words[:4])}…` ended with {code}; the whole output is in {self.log}.\n  "
                + "\n  ".join(said)
            )
        return out

    def succeeds(self, *command: str | Path, env: Mapping[str, str] | None = None, timeout_seconds: float = 60) -> bool:
        """Whether the program ends with 0."""
        try:
            self.run(*command, env=env, timeout_seconds=timeout_seconds)
        except (SandboxError, OSError):
            return False
        return True

    def _read(self, stream: object, into: list[bytes]) -> None:
        with self.log.open("ab") as log:
            for line in stream:  # type: ignore[attr-defined]
                into.append(line)
                log.write(line)
                log.flush()
                if text := line.decode(errors="replace").strip():
                    self.last_line = text


def alive(pid: int, word: str) -> bool:
    """Whether the process runs and has `word` in its command line (a pid may have been given to another)."""
    try:
        return word in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False


def is_root() -> bool:
    return os.geteuid() == 0
