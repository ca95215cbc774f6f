"""A live call, step by step: join, listen, say, hang up.

`Call` is for whoever wants to act in the middle of a call (kill a pod, scale, speak over the agent); a whole
call from a list of utterances is `conversation.make_call`, which is made of these steps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from livekit import rtc

from voiceagent_caller.audio import Clip
from voiceagent_caller.ear import Ear
from voiceagent_caller.errors import CallFailed
from voiceagent_caller.gateway import Ticket, get_ticket
from voiceagent_caller.line import Line
from voiceagent_caller.microphone import Microphone, Spoken
from voiceagent_caller.options import CallOptions
from voiceagent_caller.sound import Sound, find_reply
from voiceagent_caller.transcripts import TranscriptReader, Transcripts

_AT_REST = (None, "listening", "idle")
_LONGEST_NAP_SECONDS = 0.1
_TRANSCRIPT_GRACE_SECONDS = 2.0
_MARGIN_SECONDS = 0.3
_SAY_SLACK_SECONDS = 10.0
_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Reply:
    """What the agent said in one go, and what it had understood before."""

    first_sound_at: float
    last_sound_at: float
    silence_seconds: float
    """From the caller's last word (before it has said any: from being connected) to the first sound."""
    transcript: str
    heard_by_agent: str
    recording: Clip


class Call:
    """`async with Call(options) as call:` joins the room and waits for the agent; leaving it hangs up."""

    def __init__(self, options: CallOptions) -> None:
        self.options = options
        self.transcripts = Transcripts()
        self.joined_seconds = 0.0
        self.agent_joined_seconds = 0.0
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None
        self._trouble: str | None = None
        self._line = Line(self._changed.set, self._listen_to)
        self._ear = Ear(self._changed.set)
        self._microphone = Microphone()
        self._reader = TranscriptReader(self.transcripts, self._is_caller, self._changed.set)
        self._ticket: Ticket | None = None
        self._publication: rtc.LocalTrackPublication | None = None
        self._connected_at = 0.0
        self._spoken: Spoken | None = None
        self._turn_began_at = 0.0
        self._listened_until = 0.0

    async def __aenter__(self) -> Call:
        try:
            await self._join()
            await self.wait_for_agent()
            self.agent_joined_seconds = max((self._line.agent_voice_since or 0.0) - self._connected_at, 0.0)
        except BaseException:
            await self.hang_up()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()

    @property
    def room(self) -> str:
        return self._ticket.room if self._ticket else ""

    @property
    def identity(self) -> str:
        return self._ticket.identity if self._ticket else ""

    @property
    def agent_identity(self) -> str | None:
        """The participant that is the agent just now; another one after the agent was replaced."""
        return self._line.agent.identity if self._line.agent else None

    @property
    def agent_state(self) -> str | None:
        return self._line.agent_state

    @property
    def sounds(self) -> list[Sound]:
        """Every stretch of sound heard from the agent, with its times on the monotonic clock."""
        return list(self._ear.sounds)

    async def wait_for_agent(self) -> None:
        """Returns when an agent is there with its voice. Awaited again after one left, waits for the next."""
        seconds = self.options.agent_timeout_seconds
        await self.until(
            lambda: True if self._line.agent and self._line.agent_voice_since else None,
            timeout_seconds=seconds,
            otherwise=lambda: (
                f"No agent came to room {self.room} within {seconds:g} s; is a worker of {self.options.agent} Ready?"
                if self._line.agent is None
                else f"The agent came to room {self.room} and published no voice within {seconds:g} s."
            ),
        )

    async def say(self, clip: Clip) -> Spoken:
        """Speaks into the microphone; returns when the last sample has left."""
        publication = self._publication
        assert publication is not None, "say() is for a call that was joined"  # noqa: S101
        await self._within(
            self.options.agent_timeout_seconds,
            publication.wait_for_subscription(),
            "Nobody in the room listens to the caller's microphone.",
        )
        self._turn_began_at = time.monotonic()
        self._spoken = await self._within(
            clip.seconds + _SAY_SLACK_SECONDS,
            self._microphone.say(clip),
            "The caller's microphone did not send what it was given.",
        )
        return self._spoken

    async def listen(self) -> Reply:
        """Waits for the agent to speak and hears it to the end.

        That is the greeting, the answer to the last say(), or, awaited again, what the agent says after that.
        """
        options = self.options
        spoken = self._spoken or Spoken(self._connected_at, self._connected_at)
        first = await self.until(
            lambda: find_reply(self._ear.sounds, self._listened_until, spoken.started_at, spoken.ended_at),
            timeout_seconds=options.reply_timeout_seconds + max(spoken.ended_at - time.monotonic(), 0.0),
            otherwise=self._why_no_sound,
            needs_agent=True,
        )
        await self.until(
            self._is_over,
            timeout_seconds=options.reply_max_seconds,
            otherwise=lambda: (
                f"The agent's reply was not over after {options.reply_max_seconds:g} s; "
                f"its state is {self.agent_state or 'unknown'}."
            ),
            needs_agent=True,
        )
        await self._let_transcripts_finish()
        ended_at = self._ear.sounds[-1].ended_at
        reply = Reply(
            first_sound_at=first.started_at,
            last_sound_at=ended_at,
            silence_seconds=first.started_at - spoken.ended_at,
            transcript=self.transcripts.said_by("agent", self._turn_began_at),
            heard_by_agent=self.transcripts.said_by("caller", self._turn_began_at),
            recording=self._ear.recording(first.started_at - _MARGIN_SECONDS, ended_at + _MARGIN_SECONDS),
        )
        self._listened_until = ended_at
        self._turn_began_at = time.monotonic()
        return reply

    async def hang_up(self) -> None:
        """Leaves the room and lets go of everything. Safe to call more than once."""
        await self._line.hang_up()
        await self._reader.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._microphone.close()

    async def until(
        self,
        condition: Callable[[], _T | None],
        *,
        timeout_seconds: float,
        otherwise: Callable[[], str],
        needs_agent: bool = False,
    ) -> _T:
        """Waits while the condition gives None. CallFailed when the call breaks off or the time is over."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            self._raise_trouble(needs_agent)
            if (value := condition()) is not None:
                return value
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise CallFailed(otherwise())
            self._changed.clear()
            try:
                async with asyncio.timeout(min(remaining, _LONGEST_NAP_SECONDS)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _join(self) -> None:
        options = self.options
        asked_at = time.monotonic()
        self._ticket = await get_ticket(
            options.gateway, options.agent, options.room, timeout_seconds=options.token_timeout_seconds
        )
        self._reader.attach(self._line.room)
        await self._line.connect(self._ticket, options.connect_timeout_seconds)
        self._connected_at = time.monotonic()
        self._turn_began_at = self._connected_at
        self.joined_seconds = self._connected_at - asked_at
        self._start(self._microphone.run())
        self._publication = await self._line.publish(self._microphone.track, options.connect_timeout_seconds)

    def _listen_to(self, track: rtc.RemoteAudioTrack) -> None:
        # One at a time: the track of an agent that died goes on as silence and would tear the next one's speech.
        if self._listening is not None:
            self._listening.cancel()
        self._listening = self._start(self._ear.listen(track))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._trouble = f"The caller's own audio broke down: {type(error).__name__}: {error}"
            self._changed.set()

    def _raise_trouble(self, needs_agent: bool) -> None:
        trouble = self._trouble or self._line.trouble
        if trouble is None and needs_agent and self._line.agent is None:
            trouble = f"The agent left room {self.room} in the middle of the call."
        if trouble is not None:
            raise CallFailed(trouble)

    def _is_caller(self, identity: str, track_id: str) -> bool:
        own_track = self._publication.sid if self._publication else None
        return identity == self.identity or (own_track is not None and track_id == own_track)

    def _is_over(self) -> bool | None:
        silent = self._ear.quiet_seconds >= self.options.end_silence_seconds
        return True if silent and self.agent_state in _AT_REST else None

    async def _let_transcripts_finish(self) -> None:
        """A transcript's last words come about when the last sound does: waits a moment for them."""
        deadline = time.monotonic() + _TRANSCRIPT_GRACE_SECONDS
        await self.until(
            lambda: (
                True
                if self.transcripts.is_complete("agent", self._turn_began_at) or time.monotonic() >= deadline
                else None
            ),
            timeout_seconds=_TRANSCRIPT_GRACE_SECONDS + 1.0,
            otherwise=lambda: "unreachable",
        )

    def _why_no_sound(self) -> str:
        waited = f"within {self.options.reply_timeout_seconds:g} s"
        state = f"its state is {self.agent_state or 'unknown'}"
        if self._spoken is None:
            return f"The agent did not greet the caller {waited}; {state}."
        understood = self.transcripts.said_by("caller", self._turn_began_at)
        heard = f"it understood “{understood}”" if understood else "it has not written down anything the caller said"
        return f"The agent did not answer {waited} of the caller's last word; {state} and {heard}."

    async def _within(self, seconds: float, work: Coroutine[Any, Any, _T], otherwise: str) -> _T:
        """Awaits work of the SDK, watching the call meanwhile."""
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._changed.set())
        try:
            await self.until(
                lambda: True if task.done() else None, timeout_seconds=seconds, otherwise=lambda: otherwise
            )
            return task.result()
        finally:
            task.cancel()
