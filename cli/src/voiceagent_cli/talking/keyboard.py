"""What is typed, line by line, without keeping the process from ending."""

import asyncio
import io
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress


async def typed_lines() -> AsyncIterator[str]:
    """Lines of standard input that are not empty, until it ends."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)

    def read() -> None:
        with suppress(RuntimeError):  # the loop is closed
            for line in sys.stdin:
                asyncio.run_coroutine_threadsafe(queue.put(line.strip()), loop).result()
            asyncio.run_coroutine_threadsafe(queue.put(None), loop).result()

    if isinstance(sys.stdin, io.TextIOWrapper):
        # what is no text in this locale becomes a mark; an error in the thread would leave the call waiting
        sys.stdin.reconfigure(errors="replace")
    # a daemon: a read that waits for a line cannot be cancelled
    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        if line:
            yield line
