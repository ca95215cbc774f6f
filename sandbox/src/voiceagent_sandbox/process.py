"""Running other programs: their output goes to a log, and a failure becomes a sentence with its last lines."""

import contextlib
import fcntl
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

LOG_BYTES = 10_000_000
END_SECONDS = 10


class SandboxError(Exception):
    """Something a user can read and act on; shown without a traceback."""


class Runner:
    """Runs programs with one environment and one log file; remembers the last line for the progress display."""

    def __init__(self, log: Path, env: Mapping[str, str]) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        self.log = log
        self.env = dict(env)
        self.last_line = ""
        self._inherited: tuple[int, ...] = ()

    @contextlib.contextmanager
    def alone(self, lock: Path, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the lock in the block, after calling `waiting` where another holds it.

        Programs inherit it: where this process is killed and they go on, the lock is theirs until they end.
        """
        with lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            self._inherited = (file.fileno(),)
            try:
                yield
            finally:
                self._inherited = ()

    def run(
        self,
        *command: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout_seconds: float = 3600,
        log_output: bool = True,
    ) -> str:
        """Run to the end and return standard output. Raises SandboxError when it fails or takes too long.

        Without `log_output`, standard output, which may hold a secret, is neither logged nor shown.
        """
        words = [str(word) for word in command]
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(words)}\n".encode())
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env={**self.env, **(env or {})},
                stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=self._inherited,
            )
        except OSError as error:
            raise SandboxError(f"`{words[0]}` cannot be run: {error.strerror}.") from error
        captured: dict[str, list[bytes]] = {"out": [], "err": []}
        readers = [
            threading.Thread(target=self._read, args=(process.stdout, captured["out"], log_output), daemon=True),
            threading.Thread(target=self._read, args=(process.stderr, captured["err"], True), daemon=True),
        ]
        for reader in readers:
            reader.start()
        try:
            if stdin is not None and process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(stdin.encode())
                    process.stdin.close()
            code = process.wait(timeout=timeout_seconds)
        except subprocess.TimeoutExpired as error:
            _end(process)
            raise SandboxError(f"`{words[0]}` took over {timeout_seconds:.0f} s; see {self.log}.") from error
        except BaseException:
            _end(process)
            raise
        for reader in readers:
            reader.join(timeout=10)
        out = b"".join(captured["out"]).decode(errors="replace")
        if code != 0:
            spoken = b"".join(captured["err"]).decode(errors="replace") or (out if log_output else "")
            said = spoken.strip().splitlines()[-6:]
            raise SandboxError(
                f"`{' '.join(words[:4])}…` ended with {code}; the whole output is in {self.log}.\n  "
                + "\n  ".join(said)
            )
        return out

    def succeeds(self, *command: str | Path, env: Mapping[str, str] | None = None, timeout_seconds: float = 60) -> bool:
        """Whether the program ends with 0."""
        try:
            self.run(*command, env=env, timeout_seconds=timeout_seconds)
        except SandboxError:
            return False
        return True

    def _read(self, stream: object, into: list[bytes], logged: bool) -> None:
        with self.log.open("ab") as log:
            for line in stream:  # type: ignore[attr-defined]
                into.append(line)
                if not logged:
                    continue
                log.write(line)
                log.flush()
                if text := line.decode(errors="replace").strip():
                    self.last_line = text


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the program undo what it did, as apt, helm and debootstrap do, before it is killed."""
    process.terminate()
    try:
        process.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    except BaseException:
        process.kill()
        raise


def alive(pid: int, word: str) -> bool:
    """Whether the process runs and has `word` in its command line (a pid may have been given to another)."""
    try:
        return word in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False


def is_root() -> bool:
    return os.geteuid() == 0
