"""A LiveKit token from values: what it lets its holder do, and which agent it calls."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt
from livekit import api

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


def video_grants(grant: Grant) -> api.VideoGrants:
    """Join this room, speak, listen, send data; nothing else."""
    return api.VideoGrants(room_join=True, room=grant.room, can_publish=True, can_subscribe=True, can_publish_data=True)


def room_configuration(grant: Grant) -> api.RoomConfiguration:
    """What the room is made with if this token's holder makes it: the agent, and nothing else."""
    dispatch = api.RoomAgentDispatch(agent_name=grant.agent_name, metadata=grant.agent_metadata)
    return api.RoomConfiguration(agents=[dispatch])


def issue(grant: Grant, credentials: LiveKitCredentials, ttl_seconds: int) -> IssuedToken:
    """Sign the grant."""
    token = (
        api.AccessToken(credentials.api_key, credentials.api_secret)
        .with_identity(grant.identity)
        .with_ttl(timedelta(seconds=ttl_seconds))
        .with_grants(video_grants(grant))
        .with_room_config(room_configuration(grant))
    )
    if grant.name:
        token = token.with_name(grant.name)
    if grant.metadata:
        token = token.with_metadata(grant.metadata)
    if grant.attributes:
        token = token.with_attributes(grant.attributes)
    signed = token.to_jwt()
    claims = jwt.decode(signed, options={"verify_signature": False})
    return IssuedToken(signed, datetime.fromtimestamp(claims["exp"], UTC))
