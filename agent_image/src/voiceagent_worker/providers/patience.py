"""Ends a synthesis that sends nothing more.

Plugins that ask by a plain request wait 30 s for the next byte, or for the whole, which is 30 s of silence for a
caller. Here the longest wait for the next piece of sound is the connection's own timeout, as it is for language models.
"""

import asyncio
from collections.abc import Awaitable, Callable

from livekit.agents import APIConnectOptions, APITimeoutError, tts


class ImpatientStream(tts.ChunkedStream):
    """Mixed into a plugin's stream, before it."""

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        await give_up_when_stalled(super()._run, output_emitter, self._conn_options)  # type: ignore[safe-super]


async def give_up_when_stalled(
    run: Callable[[tts.AudioEmitter], Awaitable[None]], emitter: tts.AudioEmitter, options: APIConnectOptions
) -> None:
    """Run it for as long as sound comes. Raises APITimeoutError."""
    push = emitter.push
    try:
        async with asyncio.timeout(options.timeout) as deadline:

            def pushed(data: bytes) -> None:
                push(data)
                deadline.reschedule(asyncio.get_running_loop().time() + options.timeout)

            emitter.push = pushed  # type: ignore[method-assign]
            await run(emitter)
    except TimeoutError as error:
        raise APITimeoutError() from error
    finally:
        emitter.push = push  # type: ignore[method-assign]
