"""A real OpenID Connect server on loopback: oidc-provider, with keys that can be changed by a restart."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from node import with_node
from processes import Processes, free_port

SOURCE = Path(__file__).parent / "oidc_provider"
PACKAGES_SECONDS = 300
START_SECONDS = 60
SECRET = "a-secret-of-a-program"


@dataclass(frozen=True)
class Client:
    """A program that the server knows, and what its tokens have."""

    audience: str
    seconds: int = 300
    groups: tuple[str, ...] = ()


class OidcServer:
    """The server's process; its address and its clients stay the same over a restart."""

    def __init__(self, folder: Path, clients: dict[str, Client]) -> None:
        self._folder = folder
        self._clients = clients
        self._port = free_port()
        self._environment = with_node(folder)
        self._processes = Processes(folder)
        self.issuer = f"http://127.0.0.1:{self._port}"

    def install(self) -> None:
        """Fetch its packages, as the lock file has them."""
        shutil.copytree(SOURCE, self._folder, dirs_exist_ok=True)
        done = subprocess.run(
            ["npm", "ci"], cwd=self._folder, env=self._environment, capture_output=True, text=True,
            timeout=PACKAGES_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def start(self, kid: str, algorithm: str = "RS256") -> None:
        """Serve with a new signing key of that id, and no other."""
        told = {
            "port": self._port,
            "jwks": {"keys": [_private_key(kid, algorithm)]},
            "clients": {
                name: {"secret": SECRET, "audience": it.audience, "seconds": it.seconds, "groups": it.groups}
                for name, it in self._clients.items()
            },
        }
        node = shutil.which("node", path=self._environment["PATH"])
        assert node is not None
        process = self._processes.start("oidc-provider", node, "server.mjs", json.dumps(told))
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert process.poll() is None, (self._folder / "oidc-provider.log").read_text()
            assert time.monotonic() < end, "the OpenID Connect server does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        """End it; nobody answers at its address then."""
        self._processes.stop()
        self._processes.started.clear()

    def token(self, client: str) -> str:
        """What the server gives a program that shows its secret."""
        form = {"grant_type": "client_credentials", "resource": f"{self.issuer}/api"}
        answer = httpx.post(f"{self.issuer}/token", data=form, auth=(client, SECRET), timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def _answers(self) -> bool:
        try:
            address = f"{self.issuer}/.well-known/openid-configuration"
            return httpx.get(address, timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def oidc_server(folder: Path, clients: dict[str, Client]) -> Iterator[OidcServer]:
    """A server that can be started, for the length of the block."""
    server = OidcServer(folder, clients)
    server.install()
    try:
        yield server
    finally:
        server.stop()


def _private_key(kid: str, algorithm: str) -> dict[str, Any]:
    made: str
    if algorithm.startswith("ES"):
        made = jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()))
    else:
        made = jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048))
    # key_ops as PyJWT writes them are those of a key that only signs
    return {name: value for name, value in json.loads(made).items() if name != "key_ops"} | {
        "kid": kid,
        "use": "sig",
        "alg": algorithm,
    }
