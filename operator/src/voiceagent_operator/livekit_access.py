"""Opens the LiveKit servers of the agents: with the key in each agent's own Secret, read when it is needed.

A key is kept no longer than its Secret stays as it is and an agent uses it. Nothing here ever tells its value.
"""

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
from voiceagent_api.names import LIVEKIT_API_KEY, LIVEKIT_API_SECRET

from voiceagent_operator.callees import Access
from voiceagent_operator.credentials import SecretView
from voiceagent_operator.errors import ApiError
from voiceagent_operator.livekit_rooms import LiveKitError, LiveKitRooms
from voiceagent_operator.objects import Key, Object


class LiveKitAccess:
    """The rooms of each server, by the Secret that opens it. All share one pool of connections."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        find_secret: Callable[[Key], SecretView | None],
        read_secret: Callable[[Key], Awaitable[Object | None]],
    ) -> None:
        """`find_secret` knows which version of a Secret there is, `read_secret` brings it; it may raise ApiError."""
        self._read_secret = read_secret
        self._http = http
        self._find_secret = find_secret
        self._open: dict[Access, tuple[str, LiveKitRooms]] = {}
        self._rooms: WeakValueDictionary[tuple[str, str, str], LiveKitRooms] = WeakValueDictionary()

    async def rooms(self, access: Access) -> LiveKitRooms:
        """The server's rooms, the same for all Secrets that say the same.

        Raises LiveKitError where the Secret or a key in it is missing, or cannot be read.
        """
        secret = self._find_secret(access.secret)
        if secret is None:
            self._open.pop(access, None)
            raise LiveKitError(f"Secret {access.secret} is missing.")
        known = self._open.get(access)
        if known is not None and known[0] == secret.stamp:
            return known[1]
        data = await self._read(access.secret)
        key, value = (_value(access.secret, data, name) for name in (LIVEKIT_API_KEY, LIVEKIT_API_SECRET))
        server = (access.url, key, hashlib.sha256(value.encode()).hexdigest())
        try:
            rooms = self._rooms.get(server) or LiveKitRooms(self._http, access.url, key, value)
        except ValueError as error:
            raise LiveKitError(
                f"The LiveKit address of agents with Secret {access.secret} is none: {error}."
            ) from error
        self._rooms[server] = rooms
        self._open[access] = (secret.stamp, rooms)
        return rooms

    def keep_only(self, used: Collection[Access]) -> None:
        """Forget the keys that no agent uses any more."""
        for access in [access for access in self._open if access not in used]:
            del self._open[access]

    async def _read(self, where: Key) -> Mapping[str, Any]:
        try:
            found = await self._read_secret(where)
        except ApiError as error:
            raise LiveKitError(f"Secret {where} cannot be read: {error}.") from error
        return (found or {}).get("data") or {}


def _value(where: Key, data: Mapping[str, Any], key: str) -> str:
    try:
        value = base64.b64decode(str(data.get(key, "")), validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError):
        raise LiveKitError(f"The key {key} of Secret {where} is not text.") from None
    if not value:
        raise LiveKitError(f"Secret {where} has no key {key}.")
    return value
