"""Stand-ins for worker pods on a control plane without nodes: each pod gets an endpoint on an address of its own on
loopback, which answers as a worker does, and a status that says it is ready."""

import base64
import json
import threading
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from voiceagent_api.names import WORKER_PORT
from voiceagent_api.worker_status import SessionRecord, WorkerStatus


class Endpoint:
    """What one worker pod would serve."""

    def __init__(self, token: str) -> None:
        number = uuid.uuid4().int
        self.address = f"127.{1 + number % 250}.{1 + number // 250 % 250}.{2 + number // 62500 % 250}"
        self.calls = 0
        self.draining = False
        self.registered = True
        self._token = token
        self._server: ThreadingHTTPServer | None = None

    def open(self) -> None:
        """Answer from now on."""
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(200, endpoint.status().model_dump_json(by_alias=True))

            def do_POST(self) -> None:
                self._drain(True)

            def do_DELETE(self) -> None:
                self._drain(False)

            def _drain(self, wish: bool) -> None:
                if self.path != "/drain" or self.headers["Authorization"] != f"Bearer {endpoint._token}":
                    self._answer(401, "{}")
                    return
                endpoint.draining = wish
                self._answer(200, json.dumps({"draining": wish, "activeSessions": endpoint.calls}))

            def _answer(self, code: int, text: str) -> None:
                self.send_response(code)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((self.address, WORKER_PORT), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def status(self) -> WorkerStatus:
        now = datetime.now(UTC)
        return WorkerStatus(
            namespace="x", agent="x", agent_name="x", pod="x", revision="x", config_revision="none",
            registered=self.registered, draining=self.draining,
            sessions=[SessionRecord(id=f"s{n}", room=f"r{n}", started_at=now, config_revision="c")
                      for n in range(self.calls)],
        )  # fmt: skip


class Fleet:
    """The worker pods of one namespace, served."""

    def __init__(self, space: Any) -> None:
        self._space = space
        self._endpoints: dict[str, Endpoint] = {}

    def settle(self, count: int, *, but: frozenset[str] = frozenset()) -> dict[str, Endpoint]:
        """Wait until there are so many pods, all of them ready; those of `but`, by name, are left alone."""

        def settled() -> bool:
            pods = [pod for pod in self._space.list("pods") if "deletionTimestamp" not in pod["metadata"]]
            names = {pod["metadata"]["name"] for pod in pods} - but
            for name in names - set(self._endpoints):
                self._serve(name)
            return len(names) == count

        self._space.cluster.until(settled, f"{count} worker pods")
        return self.pods()

    def pods(self) -> dict[str, Endpoint]:
        """The endpoints of the pods that are there, by the pod's name."""
        there = {pod["metadata"]["name"] for pod in self._space.list("pods")}
        return {name: endpoint for name, endpoint in self._endpoints.items() if name in there}

    def close(self) -> None:
        for endpoint in self._endpoints.values():
            endpoint.close()

    def _serve(self, name: str) -> None:
        secret = self._space.get("secrets", "receptionist-control")
        endpoint = Endpoint(base64.b64decode(secret["data"]["token"]).decode())
        endpoint.open()
        self._endpoints[name] = endpoint
        ready = {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "podIP": endpoint.address,
            "podIPs": [{"ip": endpoint.address}],
        }
        body = json.dumps({"status": ready})
        self._space.do("patch", "pod", name, "--subresource=status", "--type=merge", "-p", body)
