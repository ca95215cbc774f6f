"""Calls an agent into rooms in which a person waits for one. Only who leads does so.

LiveKit neither repeats nor reports a call that no worker took. So the rooms of every server that agents use are
looked at all the time, those of each server at its own pace.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from voiceagent_operator.callees import Access, Callees
from voiceagent_operator.livekit_access import LiveKitAccess
from voiceagent_operator.livekit_rooms import LiveKitError, LiveKitRooms
from voiceagent_operator.metrics import Metrics
from voiceagent_operator.objects import Key
from voiceagent_operator.outages import Outage
from voiceagent_operator.room_look import RoomLook
from voiceagent_operator.together import each

SERVERS_SECONDS: Final = 2.0
"""How often it is looked which servers are in use."""
SECRETS_AT_ONCE: Final = 8


class RoomReconciler:
    """Looks at the rooms of every server that agents use."""

    def __init__(
        self,
        callees: Callees,
        access: LiveKitAccess,
        metrics: Metrics,
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """`now` is the time of day, in seconds since 1970."""
        self._callees = callees
        self._access = access
        self._metrics = metrics
        self._clock = clock
        self._now = now
        self._shut: dict[Access, tuple[Outage, float]] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        looks: dict[LiveKitRooms, tuple[RoomLook, asyncio.Task[None]]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                servers = await self._servers()
                for gone in looks.keys() - servers.keys():
                    looks.pop(gone)[1].cancel()
                for rooms, names in servers.items():
                    if rooms in looks:
                        looks[rooms][0].names = names
                        continue
                    look = RoomLook(rooms, names, self._metrics, self._clock, self._now)
                    looks[rooms] = look, group.create_task(look.run(), name=f"rooms of {rooms.host}")
                await asyncio.sleep(SERVERS_SECONDS)

    async def _servers(self) -> dict[LiveKitRooms, dict[str, Key]]:
        """The servers in use, each with the agents that are called there by name."""
        in_use = {access: dict(names) for access, names in self._callees.names().items()}
        self._access.keep_only(in_use)
        self._shut = {access: shut for access, shut in self._shut.items() if access in in_use}
        servers: dict[LiveKitRooms, dict[str, Key]] = defaultdict(dict)

        async def add(access: Access) -> None:
            rooms = await self._open(access)
            if rooms is not None:
                servers[rooms] |= in_use[access]

        await each(in_use, add, SECRETS_AT_ONCE)
        return servers

    async def _open(self, access: Access) -> LiveKitRooms | None:
        """The rooms, or None while the key to them cannot be had."""
        what = "the rooms of agents cannot be looked at"
        outage, again_at = self._shut.get(access) or (Outage(what, secret=str(access.secret)), 0.0)
        if self._clock() < again_at:
            return None
        try:
            rooms = await self._access.rooms(access)
        except LiveKitError as error:
            self._shut[access] = outage, self._clock() + outage.failed(error)
            return None
        if self._shut.pop(access, None):
            outage.over()
        return rooms
