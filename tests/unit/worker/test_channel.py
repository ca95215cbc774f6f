"""The line between a call's process and the main process, over real Unix sockets."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from voiceagent_worker import channel
from voiceagent_worker.channel import ChannelServer, SessionChannel
from voiceagent_worker.events import (
    EndCall,
    Event,
    SessionEnded,
    SessionLost,
    SessionStarted,
    UsageReported,
    decode,
    encode,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STARTED = SessionStarted(session="a", room="room", at=NOW, config_revision="r1")
ENDED = SessionEnded(session="a", at=NOW, outcome="error", error="A sentence with\na line break.")
LOST = SessionLost(session="a", at=NOW)


@pytest.fixture
def path() -> Iterator[Path]:
    # pytest's own folders may be too long for a socket's name
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "s.sock"


@asynccontextmanager
async def server_at(path: Path) -> AsyncIterator[list[Event]]:
    events: list[Event] = []
    server = ChannelServer(path, events.append, clock=lambda: NOW)
    await server.start()
    try:
        yield events
    finally:
        await server.stop()


async def wait_for(events: list[Event], count: int) -> None:
    for _ in range(500):
        if len(events) >= count:
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # nothing more is to come


async def send_lines(path: Path, *lines: bytes) -> None:
    _, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b"".join(lines))
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("event", [STARTED, ENDED, UsageReported(session="a", stt_audio_seconds=1.5)])
def test_every_event_is_one_line_and_comes_back_as_it_was(event: SessionStarted | SessionEnded | UsageReported) -> None:
    line = encode(event)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert decode(line) == event


async def test_events_arrive_in_order_and_a_told_end_is_no_crash(path: Path) -> None:
    async with server_at(path) as events:
        call = await SessionChannel.connect(path)
        call.send(STARTED)
        call.send(ENDED)
        await call.close()
        await wait_for(events, 2)
    assert events == [STARTED, ENDED]


async def test_line_that_breaks_off_without_an_end_is_a_lost_call(path: Path) -> None:
    async with server_at(path) as events:
        call = await SessionChannel.connect(path)
        call.send(STARTED)
        await call.close()
        await wait_for(events, 2)
    assert events == [STARTED, LOST]


@pytest.mark.parametrize(
    "lines",
    [
        [encode(STARTED), b"no json\n"],
        [encode(STARTED), b'{"type": "lost", "session": "a"}\n'],
        [encode(STARTED), encode(STARTED.model_copy(update={"session": "b"}))],
        [encode(STARTED), b"x" * (channel.MAX_LINE_BYTES + 1) + b"\n"],
        [encode(STARTED), encode(ENDED)[:20]],
    ],
    ids=["not JSON", "an event that is not for sending", "another session", "too long", "half a line"],
)
async def test_rubbish_ends_the_line_and_the_call_counts_as_lost(path: Path, lines: list[bytes]) -> None:
    async with server_at(path) as events:
        await send_lines(path, *lines)
        await wait_for(events, 2)
    assert events == [STARTED, LOST]


async def test_line_that_does_not_begin_with_a_start_is_ignored_and_the_next_is_served(path: Path) -> None:
    async with server_at(path) as events:
        await send_lines(path, encode(ENDED))
        await send_lines(path, encode(STARTED), encode(ENDED))
        await wait_for(events, 2)
    assert events == [STARTED, ENDED]


async def test_call_is_told_to_end_and_one_that_is_over_is_not(path: Path) -> None:
    events: list[Event] = []
    server = ChannelServer(path, events.append, clock=lambda: NOW)
    await server.start()
    over, call = await SessionChannel.connect(path), await SessionChannel.connect(path)
    over.send(STARTED.model_copy(update={"session": "b"}))
    call.send(STARTED)
    await wait_for(events, 2)
    await over.close()
    await wait_for(events, 3)
    server.tell_all(EndCall())
    async with asyncio.timeout(10):
        assert await anext(call.commands()) == EndCall()
    await server.stop()
    async with asyncio.timeout(10):
        assert [command async for command in call.commands()] == []
    await call.close()


async def test_command_that_a_call_does_not_know_is_passed_over(path: Path) -> None:
    async def says(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"type": "sing"}\n' + encode(EndCall()))
        writer.close()

    server = await asyncio.start_unix_server(says, str(path))
    call = await SessionChannel.connect(path)
    async with asyncio.timeout(10):
        assert [command async for command in call.commands()] == [EndCall()]
    await call.close()
    server.close()


async def test_call_goes_on_without_a_main_process(path: Path) -> None:
    call = await SessionChannel.connect(path)
    assert [command async for command in call.commands()] == []
    call.send(STARTED)
    await call.close()


async def test_call_keeps_a_bounded_number_of_events_for_a_main_process_that_does_not_read(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(channel, "CLOSE_SECONDS", 0.1)

    async def never_reads(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    server = await asyncio.start_unix_server(never_reads, str(path), limit=1024)
    call = await SessionChannel.connect(path)
    for _ in range(20_000):
        call.send(STARTED)
    assert [record.message for record in caplog.records] == [
        "The main process does not read; events of this session are dropped"
    ]
    await asyncio.wait_for(call.close(), 5)
    server.close()
