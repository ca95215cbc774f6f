"""A small server on loopback that answers as a worker pod does."""

import contextlib
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from voiceagent_api.names import WORKER_PORT
from voiceagent_api.worker_status import WorkerStatus


class Pod:
    """A worker pod's endpoint, with an address of its own."""

    def __init__(self) -> None:
        number = uuid.uuid4().int
        self.address = f"127.{1 + number % 250}.{1 + number // 250 % 250}.{2 + number // 62500 % 250}"
        self.status = WorkerStatus(
            namespace="x", agent="x", agent_name="x", pod="x", revision="x", config_revision="none",
            registered=True, draining=False,
        )  # fmt: skip

    def says(self, **changes: Any) -> None:
        """From now on it answers so."""
        self.status = self.status.model_copy(update=changes)

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        pod = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = pod.status.model_dump_json(by_alias=True).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer((self.address, WORKER_PORT), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
