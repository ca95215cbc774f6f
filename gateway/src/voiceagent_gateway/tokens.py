"""A LiveKit token from values: what it lets its holder do, and which agent it calls."""

import hmac
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from voiceagent_gateway.model import CallRequest, LiveKitCredentials


@dataclass(frozen=True, slots=True)
class Grant:
    """What one token says."""

    room: str
    identity: str
    agent_name: str
    agent_metadata: str = ""
    name: str = ""
    metadata: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A signed token and the moment from which it is worth nothing."""

    token: str = field(repr=False)
    expires_at: datetime


def grant_for(request: CallRequest, agent_name: str, default_room: str, default_identity: str) -> Grant:
    """The grant for a checked request, its gaps filled with the defaults."""
    return Grant(
        room=request.room or default_room,
        identity=request.identity or default_identity,
        agent_name=agent_name,
        agent_metadata=request.agent_metadata or "",
        name=request.name or "",
        metadata=request.metadata or "",
        attributes=dict(request.attributes),
    )


def claims(grant: Grant, api_key: str, issued_at: datetime, expires_at: datetime) -> dict[str, Any]:
    """What the token says, as livekit-api would: join this room, speak, listen, send data; and what the room is made
    with if this token's holder makes it: the agent, and nothing else. Pure.

    What is empty is left out. Written down here because livekit-api takes longer for it than all else that a token is
    made of.
    """
    dispatch = {"agentName": grant.agent_name, "metadata": grant.agent_metadata}
    rights = {"roomJoin": True, "room": grant.room}
    rights |= {"canPublish": True, "canSubscribe": True, "canPublishData": True}
    said = {
        "name": grant.name,
        "metadata": grant.metadata,
        "video": rights,
        "attributes": grant.attributes,
        "roomConfig": {"agents": [{key: value for key, value in dispatch.items() if value}]},
        "sub": grant.identity,
        "iss": api_key,
        "nbf": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    return {key: value for key, value in said.items() if value}


def issue(grant: Grant, credentials: LiveKitCredentials, ttl_seconds: int) -> IssuedToken:
    """Sign the grant."""
    now = datetime.now(UTC).replace(microsecond=0)
    expires_at = now + timedelta(seconds=ttl_seconds)
    return IssuedToken(sign(claims(grant, credentials.api_key, now, expires_at), credentials.api_secret), expires_at)


def sign(said: Mapping[str, Any], secret: str) -> str:
    """A JSON Web Token by HMAC with SHA-256 (RFC 7515, HS256), which is what LiveKit takes. Pure."""
    unsigned = b".".join((_HEADER, _base64(orjson.dumps(said))))
    return b".".join((unsigned, _base64(hmac.digest(secret.encode(), unsigned, "sha256")))).decode()


def _base64(data: bytes) -> bytes:
    """Of the alphabet for URLs, and without what fills it up."""
    return b2a_base64(data, newline=False).translate(_FOR_URLS, b"=")


_FOR_URLS: Final = bytes.maketrans(b"+/", b"-_")
_HEADER: Final = _base64(b'{"alg":"HS256","typ":"JWT"}')
