"""Looks at every agent with a budget once a day has begun: a gateway that is away changes nothing that is watched."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from voiceagent_operator.budget import seconds_to_grace_end
from voiceagent_operator.objects import Key, Object

LONGEST_SLEEP_SECONDS: Final = 600.0
"""A clock may be set, and a machine may sleep: the time is looked at now and then."""


class NewDays:
    """Has agents with a budget reconciled once a day."""

    def __init__(
        self,
        agents: Callable[[], Sequence[Key]],
        agent: Callable[[Key], Object | None],
        add: Callable[[Key], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._agents = agents
        self._agent = agent
        self._add = add
        self._clock = clock

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self._wait()
            for key in self._agents():
                if ((self._agent(key) or {}).get("spec") or {}).get("budget"):
                    self._add(key)
                await asyncio.sleep(0)

    async def _wait(self) -> None:
        left = seconds_to_grace_end(self._clock())
        while left > LONGEST_SLEEP_SECONDS:
            await asyncio.sleep(LONGEST_SLEEP_SECONDS)
            left = seconds_to_grace_end(self._clock())
        await asyncio.sleep(left)
