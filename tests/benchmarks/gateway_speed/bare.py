"""The least that a token server can be: a bare ASGI handler on uvicorn that signs what the gateway signs.

It asks nobody who they are, reads no parameter, and knows one agent. Run as a program, with its port.
"""

import json
import secrets
import sys
from typing import Any

import uvicorn
from gateway_speed.fleet import AGENT_NAME, LIVEKIT_URL
from local_livekit import API_KEY, API_SECRET
from voiceagent_gateway.model import LiveKitCredentials, iso
from voiceagent_gateway.tokens import Grant, issue

CREDENTIALS = LiveKitCredentials(API_KEY, API_SECRET)
TTL_SECONDS = 600


async def app(scope: Any, receive: Any, send: Any) -> None:
    grant = Grant(f"receptionist-{secrets.token_hex(16)}", f"caller-{secrets.token_hex(16)}", AGENT_NAME)
    issued = issue(grant, CREDENTIALS, TTL_SECONDS)
    answer = {
        "token": issued.token,
        "url": LIVEKIT_URL,
        "room": grant.room,
        "identity": grant.identity,
        "expires_at": iso(issued.expires_at),
    }
    body = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
    )
