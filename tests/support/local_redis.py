"""A real redis-server on loopback, with a password and nothing on disk."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from processes import free_port

PASSWORD = "a-password-of-redis-for-tests"
START_SECONDS = 60


@dataclass
class LocalRedis:
    """redis-server, which can be stopped and started again on the same port."""

    binary: str
    folder: Path
    port: int = field(default_factory=free_port)
    password: str = PASSWORD
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        # In a file, since a process's words can be read by everybody.
        settings = [f"port {self.port}", "bind 127.0.0.1", f"requirepass {self.password}", 'save ""', "appendonly no"]
        (self.folder / "redis.conf").write_text("\n".join([*settings, f"dir {self.folder}", ""]))
        log_file = self.folder / "redis.log"
        with log_file.open("ab") as log:
            command = [self.binary, str(self.folder / "redis.conf")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise TimeoutError(f"redis-server did not come up:\n{log_file.read_text()[-2000:]}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def redis_server(folder: Path) -> Iterator[LocalRedis]:
    """One that runs for as long as the block, its files in `folder`."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.fail("There is no redis-server in PATH; install the Debian package redis-server.", pytrace=False)
    server = LocalRedis(binary, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
