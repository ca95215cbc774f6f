"""The built web client's files.

Their headers let a browser keep what cannot change, and connect to nothing but this gateway and LiveKit.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

IMMUTABLE: Final = "public, max-age=31536000, immutable"
_HASHED: Final = re.compile(r"(?:^|/)assets/[^/]*-[A-Za-z0-9_-]{8,}\.[A-Za-z0-9.]+$")
"""As Vite names what it builds: a change of content is a change of name."""
_SERVER: Final = re.compile(
    r"(?:ws|http)(?P<secure>s?)://(?P<host>(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)(?=/|$)"
)
_CLOUD: Final = ".livekit.cloud"


class ClientFiles:
    """Serves a folder, or says that there is none."""

    def __init__(self, folder: Path | None, embedders: Sequence[str] = ()) -> None:
        """`embedders` are the origins of the sites that may show the pages in a frame."""
        self._folder = folder
        self._embedders = tuple(embedders)
        found = folder is not None and folder.is_dir()
        self._files = StaticFiles(directory=folder, html=True) if found else None

    @property
    def missing(self) -> str | None:
        """Why there is nothing to serve."""
        if self._files is not None:
            return None
        where = f"the folder {self._folder} does not exist" if self._folder else "GATEWAY_CLIENT_DIR is not set"
        return f"The web client is not part of this gateway: {where}."

    async def response(self, path: str, scope: Scope, livekit_urls: Iterable[str]) -> Response:
        """The file at the path; `/fleet` is the page `fleet.html`. Raises HTTPException 404."""
        if self._files is None:
            if path.strip("/") == "":
                return PlainTextResponse(f"{self.missing}\n", 404, {"Cache-Control": "no-store"})
            raise HTTPException(404)
        try:
            answer = await self._files.get_response(path or ".", scope)
        except HTTPException as error:
            if error.status_code != 404 or "." in path.rsplit("/", 1)[-1]:
                raise
            answer = await self._files.get_response(f"{path}.html", scope)
        answer.headers.update(security_headers(livekit_urls, self._embedders))
        answer.headers["Cache-Control"] = IMMUTABLE if _HASHED.search(path) else "no-cache"
        return answer


def security_headers(livekit_urls: Iterable[str], embedders: Sequence[str] = ()) -> dict[str, str]:
    """Headers for a page that talks to this gateway and to these LiveKit servers only, and that only the embedders'
    sites may show in a frame. Pure."""
    policy = (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        " ".join(["connect-src 'self'", *connect_sources(livekit_urls)]),
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        " ".join(["frame-ancestors", *(["'self'", *embedders] if embedders else ["'none'"])]),
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Permissions-Policy": "microphone=(self)",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def connect_sources(livekit_urls: Iterable[str]) -> list[str]:
    """What a page may connect to for these servers: WebSocket and HTTP of each. Pure.

    A URL comes from a VoiceAgent, whose author does not write this page's policy: anything odd is left out.
    """
    sources = set()
    for url in livekit_urls:
        match = _SERVER.match(url)
        if match is None:
            continue
        host, secure = match["host"], match["secure"]
        # LiveKit Cloud sends a caller on to the region nearest by.
        for name in [host, f"*{_CLOUD}"] if host.endswith(_CLOUD) else [host]:
            sources |= {f"ws{secure}://{name}", f"http{secure}://{name}"}
    return sorted(sources)
