"""Which web sites' pages may ask this gateway: its own, and those of a list. Pure, but for the middleware.

A browser names the page's site in Origin, or says in Sec-Fetch-Site that it is another's where it sends no Origin (an
image, a link). Programs that are no browsers send neither and are not meant by this.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from voiceagent_gateway.headers import header
from voiceagent_gateway.problems import ProblemError, response

GUARDED: Final = ("/token", "/agents", "/metrics", "/usage", "/sessions", "/fleet/events")
"""What other sites may not ask: the page's own files, and what the kubelet asks, tell nobody anything."""
OWN: Final = ("same-origin", "none")
PREFLIGHT_SECONDS: Final = 600
_BELOW: Final = tuple(f"{root}/" for root in GUARDED)
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def origin_denied(origin: str | None, fetch_site: str | None, host: str, allowed: Sequence[str]) -> bool:
    """Whether another site's page asks, which is not on the list."""
    if origin is None:
        return fetch_site is not None and fetch_site not in OWN
    if "*" in allowed or origin in allowed:
        return False
    # A proxy may have taken TLS off, so that only the host can be told to be the same.
    return not _same_host(origin, host)


def guarded(path: str) -> bool:
    """Whether other sites are kept from this path."""
    return path in GUARDED or path.startswith(_BELOW)


class OriginCheck:
    """ASGI middleware that refuses pages of other sites, and answers those on the list as CORS wants it."""

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self._app = app
        self._allowed = tuple(allowed)
        self._with_cors = CORSMiddleware(
            app,
            allow_origins=self._allowed,
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("Authorization", "Content-Type"),
            expose_headers=("Retry-After", "WWW-Authenticate"),
            max_age=PREFLIGHT_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not guarded(scope["path"]):
            await self._app(scope, receive, send)
            return
        origin = header(scope, b"origin")
        if origin_denied(origin, header(scope, b"sec-fetch-site"), header(scope, b"host") or "", self._allowed):
            site = f"the site {origin[:200]}" if origin else "another site"
            detail = f"Pages of {site} may not ask this gateway; the install's gateway.allowedOrigins would let them."
            problem = ProblemError(403, "origin-not-allowed", "This site may not ask", detail)
            await response(problem, Request(scope))(scope, receive, send)
            return
        await (self._with_cors if self._allowed else self._app)(scope, receive, send)


def _same_host(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
        own = urlsplit(f"{parts.scheme}://{host}")
        port = DEFAULT_PORTS.get(parts.scheme)
        if port is None or not parts.hostname:
            return False
        return (parts.hostname, parts.port or port) == (own.hostname, own.port or port)
    except ValueError:
        return False
