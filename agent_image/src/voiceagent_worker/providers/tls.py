"""The TLS contexts of a call's HTTP clients, made once a process and before it has a call.

Making one reads every certificate that the machine trusts: 16 ms on an idle core, 100 to 400 ms on a busy one, and
each client makes its own, on the event loop of the call.
"""

import functools
import ssl
from typing import Final

import httpx2
from livekit.agents.utils import http_context

TIMEOUT: Final = httpx2.Timeout(connect=15.0, read=5.0, write=5.0, pool=5.0)
LIMITS: Final = httpx2.Limits(max_connections=50, max_keepalive_connections=50, keepalive_expiry=120)
"""Both are those of livekit-agents' own clients."""


def warm_tls() -> None:
    """Make the contexts. `_create_ssl_context` is private; `tests/unit/worker/test_tls.py` fails when it goes away."""
    tls_context()
    http_context._create_ssl_context()


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Trusts what httpx trusts by itself, SSL_CERT_FILE and SSL_CERT_DIR included. Safe to share."""
    return httpx2.create_ssl_context()


def http_client(timeout: httpx2.Timeout = TIMEOUT) -> httpx2.AsyncClient:
    """A client as livekit-agents' plugins make it, on the shared context. It lives as long as the process."""
    return httpx2.AsyncClient(timeout=timeout, follow_redirects=True, limits=LIMITS, verify=tls_context())
