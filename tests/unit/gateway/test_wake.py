"""Waking those who sleep between two looks."""

import asyncio
from collections.abc import Awaitable

from voiceagent_gateway.wake import Wake, sleep


async def in_time(sleeper: Awaitable[None]) -> None:
    async with asyncio.timeout(30):
        await sleeper


async def test_all_who_sleep_are_woken() -> None:
    wake = Wake()
    sleepers = [asyncio.create_task(sleep(wake.next, 3600)) for _ in range(3)]
    await asyncio.sleep(0)
    wake()
    async with asyncio.timeout(30):
        await asyncio.gather(*sleepers)


async def test_who_looks_meanwhile_does_not_sleep_over_it() -> None:
    wake = Wake()
    event = wake.next
    wake()
    await in_time(sleep(event, 3600))
    assert not wake.next.is_set(), "the next sleep is one again"


async def test_nobody_sleeps_for_longer_than_they_want() -> None:
    await in_time(sleep(Wake().next, 0.001))
