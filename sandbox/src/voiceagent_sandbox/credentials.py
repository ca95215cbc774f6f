"""LiveKit's key and the agents' Secrets: each made when it is missing, and none of somebody else's replaced."""

import base64
import json
import secrets
from collections.abc import Mapping

from voiceagent_sandbox.process import SandboxError

MANAGED_BY = "app.kubernetes.io/managed-by"
OWNER = "voiceagent-sandbox"
SELECTOR = f"{MANAGED_BY}={OWNER}"
SERVER_KEYS = ("livekit", "livekit-keys")
LIVEKIT = ("default", "livekit")
PROVIDER_KEYS = {("default", "openai"): "OPENAI_API_KEY", ("default", "deepgram"): "DEEPGRAM_API_KEY"}

Data = Mapping[str, str]


def missing_secrets(found: Mapping[tuple[str, str], Data]) -> list[dict[str, object]]:
    """The Secrets to make, given those that are there by namespace and name.

    LiveKit's server and its clients have one key; whichever of the two Secrets is there says which. Raises
    SandboxError where both are there and differ.
    """
    server, client = found.get(SERVER_KEYS), found.get(LIVEKIT)
    if client is not None and not {"LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"} <= client.keys():
        raise SandboxError("Secret default/livekit has no LIVEKIT_API_KEY and LIVEKIT_API_SECRET; delete or mend it.")
    if server is not None:
        key, secret = (part.strip() for part in server["keys.yaml"].split(":", 1))
    elif client is not None:
        key, secret = client["LIVEKIT_API_KEY"], client["LIVEKIT_API_SECRET"]
    else:
        key, secret = f"API{secrets.token_hex(6)}", secrets.token_urlsafe(32)
    pair = {"LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret}
    if client is not None and {name: client[name] for name in pair} != pair:
        raise SandboxError(
            "Secret default/livekit has another key than livekit/livekit-keys, which the server takes. Delete "
            "default/livekit, and it is made again; or delete livekit/livekit-keys to have the server take yours."
        )
    wanted: dict[tuple[str, str], Data] = {SERVER_KEYS: {"keys.yaml": f"{key}: {secret}\n"}, LIVEKIT: pair}
    for place, name in PROVIDER_KEYS.items():
        # The speech server takes any key.
        wanted[place] = {name: "sandbox-" + secrets.token_hex(8)}
    return [_secret(place, data) for place, data in wanted.items() if place not in found]


def read_secret(said: str) -> Data:
    """A Secret's data, from the words of `kubectl get secret -o json`."""
    data = json.loads(said).get("data") or {}
    return {name: base64.b64decode(value).decode(errors="replace") for name, value in data.items()}


def _secret(place: tuple[str, str], data: Data) -> dict[str, object]:
    namespace, name = place
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": name, "labels": {MANAGED_BY: OWNER}},
        "stringData": dict(data),
    }
