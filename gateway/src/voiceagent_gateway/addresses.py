"""Where a caller is: the address of the connection, or what a trusted proxy says. Pure, but for the middleware."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

UNKNOWN: Final = "unknown"
SUBNET_BITS: Final = 64
"""Of an IPv6 address: what one subscriber has."""

Networks = Sequence[IPv4Network | IPv6Network]


def caller_address(peer: str, forwarded_for: Iterable[str], trusted: Networks) -> str:
    """The address of the caller. Each X-Forwarded-For header lists addresses, each written by the proxy behind it.

    They are read from the last to the first for as long as proxies of the trusted networks wrote them; what comes
    before could be anybody's word.
    """
    address = peer
    hops = [hop.strip() for header in forwarded_for for hop in header.split(",")]
    while hops and _in(address, trusted):
        said = _without_port(hops.pop())
        if said is None:
            break
        address = said
    return address


@lru_cache(maxsize=4096)
def limited_as(address: str) -> str:
    """What counts as one caller: an address, or the IPv6 subnet that a subscriber can move in."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, SUBNET_BITS), strict=False))
    return str(parsed)


class CallerAddress:
    """ASGI middleware: what is behind it sees the caller's address and not the proxy's."""

    def __init__(self, app: ASGIApp, trusted: Sequence[str]) -> None:
        self._app = app
        self._trusted = [ip_network(network) for network in trusted]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client and self._trusted:
            forwarded_for = Headers(scope=scope).getlist("x-forwarded-for")
            scope = {**scope, "client": (caller_address(client[0], forwarded_for, self._trusted), client[1])}
        await self._app(scope, receive, send)


def _in(address: str, networks: Networks) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return any(parsed.ipv4_mapped in network for network in networks)
    return any(parsed in network for network in networks)


def _without_port(hop: str) -> str | None:
    """The address in a hop, which some proxies write with a port; None for what is none."""
    for candidate in (hop, hop.strip("[]"), hop.rpartition(":")[0].strip("[]")):
        try:
            return str(ip_address(candidate))
        except ValueError:
            continue
    return None
