"""A call from the terminal, in writing, by a recording, or by microphone: what is done in it, and what is shown."""

import asyncio
import math
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from livekit import rtc

from voiceagent_cli import screen
from voiceagent_cli.errors import CliError, Exit
from voiceagent_cli.talking.captions import YOU, Captions
from voiceagent_cli.talking.keyboard import typed_lines
from voiceagent_cli.talking.line import Line, Ticket
from voiceagent_cli.talking.recordings import Recording, trimmed, write_recording
from voiceagent_cli.talking.sound import Devices, Keeper, Player

ANSWER_SECONDS: Final = 120.0
"""For an answer, from what was said to its last word."""
GREETING_SECONDS: Final = 30.0
"""For the agent to have greeted."""
GREETING_QUIET_SECONDS: Final = 3.0
"""An agent that has been quiet for this long has greeted, or will not: making speech takes its time."""
QUIET_SECONDS: Final = 1.5
"""An answer is over when the agent has been quiet for this long."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a call is to be: in writing where there is neither recording nor microphone."""

    recording: Recording | None = None
    save: Path | None = None
    microphone: bool = False
    patience_seconds: float = 20.0
    """For how long the agent may be absent."""


async def talk(wish: Wish, agent: str, ticket: Callable[[], Coroutine[Any, Any, Ticket]]) -> None:
    """Hold a call with NAMESPACE/NAME until it is over. Raises CliError.

    The ticket is asked for only once the machine's own part is known to work: with it the agent is called.
    """
    devices = Devices() if wish.microphone else None
    try:
        await _Call(wish, agent, devices).hold(await ticket())
    finally:
        if devices is not None:
            devices.close()


class _Call:
    """Shows what the line tells."""

    def __init__(self, wish: Wish, agent: str, devices: Devices | None) -> None:
        self._wish = wish
        self._devices = devices
        self._captions = Captions()
        self._keeper = Keeper()
        self._line = Line(self, agent, wish.patience_seconds)
        self._awaited = False
        self._said_state = ""
        self._held_state = ""

    async def hold(self, ticket: Ticket) -> None:
        """Until it is over; hangs up whatever happens."""
        tasks: set[asyncio.Task[None]] = set()
        try:
            screen.say(f"(calling, room {ticket.room})")
            await self._line.join(ticket)
            tasks = {asyncio.create_task(self._line.watch()), asyncio.create_task(self._talk())}
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await task
            if self._awaited:
                raise CliError("The call was ended before the agent had answered.", Exit.UNREACHABLE)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._keeper.close()
            await self._line.leave()
            screen.put(self._captions.end())
        screen.say("(the call is over)")

    async def _talk(self) -> None:
        line = self._line
        # `watch` ends the call where nobody comes
        await line.until(lambda: line.agent_is_there, math.inf)
        if self._devices is not None:
            await line.publish(self._devices.track)
        if self._wish.recording is not None:
            await self._play(self._wish.recording)
        elif sys.stdin.isatty() or self._devices is not None:
            async for words in typed_lines():
                await line.type(words)
            if self._devices is not None and not sys.stdin.isatty():
                await asyncio.Event().wait()
        else:
            await self._until_greeted()
            async for words in typed_lines():
                turns = line.turns
                await line.type(words)
                await self._until_answered(turns)

    async def _play(self, recording: Recording) -> None:
        player = Player(recording)
        await self._line.publish(player.track)
        await self._until_greeted()
        turns, self._keeper.keeping = self._line.turns, True
        screen.say(f"(playing {recording.seconds:.1f} s)")
        playing = asyncio.create_task(player.run(), name="player")
        played = asyncio.create_task(player.played.wait())
        try:
            await asyncio.wait({playing, played}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                await playing
            await self._until_answered(turns)
        finally:
            for task in (playing, played):
                task.cancel()
            await asyncio.gather(playing, played, return_exceptions=True)
            await player.close()
        if self._wish.save is not None:
            answer = await asyncio.to_thread(trimmed, self._keeper.kept)
            if answer is None:
                raise CliError("The agent's answer had no sound, so there is nothing to save.", Exit.UNREACHABLE)
            await asyncio.to_thread(write_recording, self._wish.save, answer)
            screen.say(f"(the answer is in {self._wish.save}, {answer.seconds:.1f} s)")

    async def _until_greeted(self) -> None:
        """A greeting is not talked over; one that does not end is."""
        await self._line.until(lambda: self._line.quiet_seconds() >= GREETING_QUIET_SECONDS, GREETING_SECONDS)

    async def _until_answered(self, turns: int) -> None:
        """Until something new was said and the agent listens again. Raises CliError."""
        line, self._awaited = self._line, True

        def answered() -> bool:
            return line.quiet_seconds() >= QUIET_SECONDS and line.turns > turns

        if not await line.until(answered, ANSWER_SECONDS):
            raise CliError(
                f"The agent gave no answer within {ANSWER_SECONDS:g} s; it is {self._said_state or 'silent'}. "
                "`voiceagent logs` shows what its pods say.",
                Exit.UNREACHABLE,
            )
        self._awaited = False

    def agent_says(self, segment: int, text: str) -> None:
        """Shown as it comes."""
        screen.put(self._captions.grow(segment, text))

    def agent_has_said(self, segment: int) -> None:
        """The line is full."""
        screen.put(self._captions.end(segment))
        if self._held_state and not self._captions.unfinished:
            held, self._held_state = self._held_state, ""
            self._note(held)

    def you_said(self, text: str) -> None:
        """What the agent has understood."""
        screen.put(self._captions.whole(YOU, text))

    def agent_is(self, state: str) -> None:
        """Beside the answer; not in the middle of its line."""
        if state == self._said_state:
            return
        self._said_state = state
        if self._captions.unfinished:
            self._held_state = state
        else:
            self._note(state)

    def agent_voice(self, track: rtc.RemoteAudioTrack) -> None:
        """Kept where it is to be saved; the speaker plays it by itself."""
        if self._wish.save is not None:
            self._keeper.listen_to(track)

    def connection(self, sentence: str) -> None:
        """Of the line itself."""
        self._note(sentence)

    def _note(self, text: str) -> None:
        if self._captions.unfinished and sys.stdout.isatty():
            screen.put(self._captions.end())
        screen.say(f"({text})")
