"""One write at a time, the newest wins."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from voiceagent_worker.newest import NewestWriter


@asynccontextmanager
async def running(write: Callable[[int], Awaitable[None]]) -> AsyncIterator[NewestWriter[int]]:
    writer = NewestWriter(write, "A number", rest_seconds=0)
    task = asyncio.create_task(writer.run())
    try:
        yield writer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_while_one_is_written_only_the_newest_waits() -> None:
    written: list[int] = []
    go_on = asyncio.Event()
    done = asyncio.Event()

    async def write(number: int) -> None:
        written.append(number)
        await go_on.wait()
        if number == 9:
            done.set()

    async with running(write) as writer:
        writer.offer(0)
        while not written:
            await asyncio.sleep(0)
        for number in range(1, 10):
            writer.offer(number)
        go_on.set()
        await asyncio.wait_for(done.wait(), 10)
    assert written == [0, 9]


async def test_failure_is_told_once_until_a_success_and_the_next_is_written(caplog: pytest.LogCaptureFixture) -> None:
    tried: list[int] = []

    async def write(number: int) -> None:
        tried.append(number)
        if number in (1, 2, 4):
            raise OSError("no way")

    async with running(write) as writer:
        for number in range(1, 6):
            writer.offer(number)
            while len(tried) < number:
                await asyncio.sleep(0.001)
    assert [record.message for record in caplog.records] == ["A number could not be written: no way"] * 2
