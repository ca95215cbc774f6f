"""A real livekit-server on loopback. The program is the one that LIVEKIT_SERVER_BINARY names."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from livekit import api
from processes import free_port

API_KEY = "devkey"
API_SECRET = "a-secret-of-at-least-32-characters"
START_SECONDS = 60


@dataclass
class LiveKit:
    """livekit-server, which can be stopped and started again on the same port."""

    binary: str
    folder: Path
    port: int = field(default_factory=free_port)
    key: str = API_KEY
    secret: str = API_SECRET
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = {
            "port": self.port,
            "bind_addresses": ["127.0.0.1"],
            "rtc": {
                "udp_port": free_port(),
                # Not opened: livekit-server would listen on every interface of the machine.
                "tcp_port": 0,
                "node_ip": "127.0.0.1",
                "use_external_ip": False,
                "enable_loopback_candidate": True,
                "interfaces": {"includes": ["lo"]},
            },
            "keys": {self.key: self.secret},
        }
        (self.folder / "livekit.yaml").write_text(json.dumps(config))
        log_file = self.folder / "livekit.log"
        with log_file.open("ab") as log:
            command = [self.binary, "--config", str(self.folder / "livekit.yaml")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise TimeoutError(f"livekit-server did not come up:\n{log_file.read_text()[-2000:]}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def client(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self.url, self.key, self.secret)


@contextmanager
def livekit_server(folder: Path) -> Iterator[LiveKit]:
    """One that runs for as long as the block, its files in `folder`."""
    binary = os.environ.get("LIVEKIT_SERVER_BINARY") or shutil.which("livekit-server")
    if binary is None:
        pytest.fail("LIVEKIT_SERVER_BINARY names no livekit-server, and there is none in PATH", pytrace=False)
    server = LiveKit(binary, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
