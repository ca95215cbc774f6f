"""The line between a call's process and the main process: a Unix socket in a private folder, one message a line.

A call tells events; the main process may tell it to end. livekit-agents gives no such line of its own. The end of
the stream without an end event means that the process died.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from voiceagent_worker.events import (
    Command,
    Event,
    SentEvent,
    SessionEnded,
    SessionLost,
    SessionStarted,
    decode,
    decode_command,
    encode,
)

logger = logging.getLogger(__name__)

MAX_LINE_BYTES: Final = 64 * 1024
MAX_UNSENT_BYTES: Final = 1024 * 1024
"""What a call keeps for a main process that does not read; beyond it events are dropped, the call goes on."""
FIRST_EVENT_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 2.0
CLOSE_SECONDS: Final = 2.0


class ChannelServer:
    """The main process's end: turns lines into events, and hands commands to the calls."""

    def __init__(
        self,
        path: Path,
        on_event: Callable[[Event], None],
        clock: Callable[[], datetime],
        memory_exceeded: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`memory_exceeded` tells of a session that died whether that was for its use of memory."""
        self._memory_exceeded = memory_exceeded
        self._path = path
        self._on_event = on_event
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._readers: set[asyncio.Task[None]] = set()
        self._writers: dict[str, asyncio.StreamWriter] = {}

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._accept, str(self._path), limit=MAX_LINE_BYTES)

    def tell_all(self, command: Command, but: str | None = None) -> None:
        """Tell every call that runs now, but for one. A line is short, so what is not read stays in the socket."""
        for session, writer in self._writers.items():
            if session != but and not writer.is_closing():
                writer.write(encode(command))

    async def stop(self) -> None:
        """Stop listening and let go of every call's line."""
        if self._server is not None:
            self._server.close()
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._read(reader, writer), name="session_channel")
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session: str | None = None
        ended = False
        try:
            # only the first event has a deadline: a call may be silent for as long as it lasts
            async with asyncio.timeout(FIRST_EVENT_SECONDS):
                line = await reader.readline()
            while line:
                event = decode(line)
                if session is None and not isinstance(event, SessionStarted):
                    raise ValueError(f"the first event was {event.type!r}, not 'started'")
                if session not in (None, event.session):
                    raise ValueError("an event of another session")
                session = event.session
                self._writers[session] = writer
                self._on_event(event)
                ended = ended or isinstance(event, SessionEnded)
                line = await reader.readline()
        except (ValueError, ValidationError) as error:
            # also a line above the limit; what follows it cannot be trusted
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            logger.warning("A session's line to the main process was cut off: %s", reason)
        except (OSError, TimeoutError) as error:
            logger.warning("A session's line to the main process broke: %s", str(error) or type(error).__name__)
        finally:
            writer.close()
            if session is not None and self._writers.get(session) is writer:
                del self._writers[session]
            if session is not None and not ended:
                lost = SessionLost(session=session, at=self._clock(), memory_exceeded=self._memory_exceeded(session))
                self._on_event(lost)


class SessionChannel:
    """A call's end. It never blocks and never fails the call: a call is worth more than its record."""

    def __init__(self, reader: asyncio.StreamReader | None = None, writer: asyncio.StreamWriter | None = None) -> None:
        self._reader = reader
        self._writer = writer
        self._dropped = 0

    @classmethod
    async def connect(cls, path: Path) -> "SessionChannel":
        """Connect to the main process; on failure the channel swallows what it is given."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_unix_connection(str(path))
        except (OSError, TimeoutError) as error:
            logger.warning("The main process cannot be told of this session: %s", str(error) or "no answer")
            return cls()
        return cls(reader, writer)

    async def commands(self) -> AsyncIterator[Command]:
        """What the main process tells this call, until it hangs up; what this call does not know is passed over."""
        while self._reader is not None:
            try:
                if not (line := await self._reader.readline()):
                    return
                command = decode_command(line)
            except ValidationError:
                logger.warning("The main process said what this session does not understand")
            except (ValueError, OSError) as error:
                logger.warning("The main process's line to this session broke: %s", error)
                return
            else:
                yield command

    def send(self, event: SentEvent) -> None:
        """Queue an event."""
        if self._writer is None or self._writer.is_closing():
            return
        line = encode(event)
        unsent = self._writer.transport.get_write_buffer_size()
        if len(line) > MAX_LINE_BYTES or unsent + len(line) > MAX_UNSENT_BYTES:
            self._dropped += 1
            if self._dropped == 1:
                logger.warning("The main process does not read; events of this session are dropped")
            return
        self._writer.write(line)

    async def close(self) -> None:
        """Send what is left, then hang up."""
        if self._writer is None:
            return
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._writer.wait_closed()
