"""How every part of the benchmark reaches the API server: over TLS, as a user whom RBAC allows everything."""

import json
import ssl
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp


@dataclass(frozen=True)
class Access:
    """An API server, and a certificate to be known by."""

    server: str
    authority: str
    certificate: str
    key: str

    @classmethod
    def read(cls, file: str | Path) -> "Access":
        return cls(**json.loads(Path(file).read_text(encoding="utf-8")))

    def write(self, file: Path) -> Path:
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return file

    def session(self, connections: int = 20) -> aiohttp.ClientSession:
        """A client with a pool of that many connections."""
        context = ssl.create_default_context(cafile=self.authority)
        context.load_cert_chain(self.certificate, self.key)
        connector = aiohttp.TCPConnector(limit=connections, ssl=context)
        return aiohttp.ClientSession(self.server, connector=connector, timeout=aiohttp.ClientTimeout(total=60))


async def listed(session: aiohttp.ClientSession, path: str, page: int = 500) -> tuple[list[dict[str, Any]], str]:
    """All objects at a path, and the version of the list."""
    items: list[dict[str, Any]] = []
    onward = ""
    while True:
        query = {"limit": str(page), **({"continue": onward} if onward else {})}
        async with session.get(path, params=query) as answer:
            answer.raise_for_status()
            body = await answer.json()
        items += body["items"]
        onward = body["metadata"].get("continue", "")
        if not onward:
            return items, body["metadata"]["resourceVersion"]
