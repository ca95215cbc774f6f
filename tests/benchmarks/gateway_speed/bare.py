"""The least that a token server can be: a bare ASGI handler on uvicorn that signs what the gateway signs.

It asks nobody who they are, reads no parameter, and knows one agent. It signs with livekit-api, as token servers do;
told so, with the gateway's own few lines, so that what those alone are worth is seen. Run as a program: the port, and
`livekit-api` or `gateway`.
"""

import json
import secrets
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import uvicorn
from gateway_speed.fleet import AGENT_NAME, LIVEKIT_URL
from livekit import api
from local_livekit import API_KEY, API_SECRET
from voiceagent_gateway.model import LiveKitCredentials, iso
from voiceagent_gateway.tokens import Grant, issue

TTL: Final = timedelta(seconds=600)
_CREDENTIALS: Final = LiveKitCredentials(API_KEY, API_SECRET)


def by_livekit_api(room: str, identity: str) -> str:
    grants = api.VideoGrants(room_join=True, room=room, can_publish=True, can_subscribe=True, can_publish_data=True)
    config = api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=AGENT_NAME)])
    token = api.AccessToken(API_KEY, API_SECRET).with_identity(identity).with_ttl(TTL)
    return token.with_grants(grants).with_room_config(config).to_jwt()


def as_the_gateway_does(room: str, identity: str) -> str:
    return issue(Grant(room, identity, AGENT_NAME), _CREDENTIALS, TTL.seconds).token


SIGNERS: Final[dict[str, Callable[[str, str], str]]] = {
    "livekit-api": by_livekit_api,
    "gateway": as_the_gateway_does,
}


def handler(sign: Callable[[str, str], str]) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        room, identity = f"receptionist-{secrets.token_hex(16)}", f"caller-{secrets.token_hex(16)}"
        answer = {
            "token": sign(room, identity),
            "url": LIVEKIT_URL,
            "room": room,
            "identity": identity,
            "expires_at": iso(datetime.now(UTC) + TTL),
        }
        body = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


if __name__ == "__main__":
    uvicorn.run(
        handler(SIGNERS[sys.argv[2]]),
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        http="httptools",
        loop="uvloop",
    )
