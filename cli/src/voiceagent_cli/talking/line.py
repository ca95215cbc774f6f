"""The connection to an agent's room: who is there, what the agent does, what is said. It prints nothing."""

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from livekit import rtc

from voiceagent_cli.errors import CliError, Exit

STATE: Final = "lk.agent.state"
WORDS: Final = "lk.transcription"
TYPED: Final = "lk.chat"
FINAL: Final = "lk.transcription_final"
TRACK: Final = "lk.transcribed_track_id"
AT_REST: Final = ("listening", "idle")
CONNECT_SECONDS: Final = 20.0
SEND_SECONDS: Final = 10.0
LEAVE_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.1
ENDED_THERE: Final = frozenset({"ROOM_DELETED", "ROOM_CLOSED", "PARTICIPANT_REMOVED"})
"""How LiveKit calls it where the agent's side, or who runs the agent, ended the call."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the gateway gives for a call."""

    url: str
    room: str
    token: str = field(repr=False)


class Listener(Protocol):
    """Who is told what happens in the room."""

    def agent_says(self, segment: int, text: str) -> None: ...
    def agent_has_said(self, segment: int) -> None: ...
    def you_said(self, text: str) -> None: ...
    def agent_is(self, state: str) -> None: ...
    def agent_voice(self, track: rtc.RemoteAudioTrack) -> None: ...
    def connection(self, sentence: str) -> None: ...


class Line:
    """One call. `join` it, and `leave` it whatever has happened."""

    def __init__(self, listener: Listener, agent: str, patience_seconds: float) -> None:
        """`agent` is NAMESPACE/NAME, for sentences; `patience_seconds` is for how long it may be absent."""
        self.room = rtc.Room()
        self._listener = listener
        self._name = agent
        self._patience_seconds = patience_seconds
        self._agent: rtc.RemoteParticipant | None = None
        self._absent_since = time.monotonic()
        self._came_once = False
        self._ended: str | None = None
        self._leaving = False
        self._connecting: asyncio.Task[None] | None = None
        self._segments = itertools.count(1)
        self._growing: set[int] = set()
        self._reading: set[asyncio.Task[None]] = set()
        self._quiet_since: float | None = None
        self.turns = 0
        """How many things the agent has begun to say."""
        self.room.on("participant_connected", self._on_person)
        self.room.on("participant_disconnected", self._on_gone)
        self.room.on("participant_attributes_changed", self._on_attributes)
        self.room.on("track_subscribed", self._on_track)
        self.room.on("reconnecting", lambda: listener.connection("The connection is lost; trying again."))
        self.room.on("reconnected", lambda: listener.connection("Connected again."))
        self.room.on("disconnected", self._on_disconnected)
        self.room.register_text_stream_handler(WORDS, self._on_words)

    async def join(self, ticket: Ticket) -> None:
        """Enter the room. Raises CliError."""
        # A task of its own, which leaving waits for: the SDK goes on connecting when it is cancelled, and somebody
        # would stay in the room who is not there.
        self._connecting = asyncio.create_task(self.room.connect(ticket.url, ticket.token), name="connect")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.shield(self._connecting)
        except (TimeoutError, rtc.ConnectError) as error:
            told = f" ({error.message.rstrip('.')})" if isinstance(error, rtc.ConnectError) else ""
            raise CliError(
                f"LiveKit at {ticket.url} let nobody in within {CONNECT_SECONDS:g} s{told}. Callers must reach that "
                "address: it is spec.livekit.publicURL, or the install's.",
                Exit.UNREACHABLE,
            ) from None
        self._absent_since = time.monotonic()
        for person in self.room.remote_participants.values():
            self._on_person(person)

    async def watch(self) -> None:
        """Returns when the agent's side has ended the call. Raises CliError where the call cannot go on."""
        while self._ended is None:
            if self._agent is None and time.monotonic() - self._absent_since > self._patience_seconds:
                raise CliError(self._why_nobody(), Exit.UNREACHABLE)
            await asyncio.sleep(LOOK_SECONDS)
        if self._ended not in ENDED_THERE:
            reason = self._ended.replace("_", " ").lower()
            raise CliError(f"The connection to LiveKit is gone: {reason}. Call again.", Exit.UNREACHABLE)

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether a condition came true within this time."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(LOOK_SECONDS)
        return True

    @property
    def agent_is_there(self) -> bool:
        """In the room and past its start: what is typed before that is lost."""
        return self._agent is not None and self._agent.attributes.get(STATE, "initializing") != "initializing"

    def quiet_seconds(self) -> float:
        """For how long the agent has been seen neither to speak nor to think; 0 while it does."""
        state = self._agent.attributes.get(STATE) if self._agent is not None else None
        if self._growing or state not in AT_REST:
            self._quiet_since = None
            return 0.0
        if self._quiet_since is None:
            self._quiet_since = time.monotonic()
        return time.monotonic() - self._quiet_since

    async def type(self, text: str) -> None:
        """Say something in writing. Raises CliError."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.room.local_participant.send_text(text, topic=TYPED)
        except (TimeoutError, ConnectionError):
            raise CliError(f"The message could not be sent within {SEND_SECONDS:g} s.", Exit.UNREACHABLE) from None

    async def publish(self, track: rtc.LocalAudioTrack) -> None:
        """Be heard; returns when somebody listens. Raises CliError."""
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                publication = await self.room.local_participant.publish_track(track, options)
                await publication.wait_for_subscription()
        except (TimeoutError, rtc.participant.PublishTrackError):
            raise CliError(
                f"Nobody in the room listens after {CONNECT_SECONDS:g} s: LiveKit or the agent did not take the sound. "
                "`voiceagent logs` shows what the agent says.",
                Exit.UNREACHABLE,
            ) from None

    async def leave(self) -> None:
        """Hang up; never fails, and takes LEAVE_SECONDS at most."""
        self._leaving = True
        with suppress(TimeoutError, rtc.ConnectError):
            async with asyncio.timeout(LEAVE_SECONDS):
                if self._connecting is not None:
                    await asyncio.shield(self._connecting)
                    await self.room.disconnect()
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    def _why_nobody(self) -> str:
        namespace, _, name = self._name.rpartition("/")
        status = f"voiceagent status {name or ''}".rstrip() + (f" -n {namespace}" if namespace else "")
        what = "The agent left, and no other came" if self._came_once else "The agent did not join"
        return (
            f"{what} within {self._patience_seconds:g} s. See by `{status}` whether its pods are Ready and have a free "
            "place, and by `voiceagent doctor` what is wrong."
        )

    def _on_person(self, person: rtc.RemoteParticipant) -> None:
        # The newest agent is the agent: an older one that is still listed has died and was replaced.
        if person.kind != rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            return
        self._agent, self._came_once = person, True
        if state := person.attributes.get(STATE):
            self._listener.agent_is(state)

    def _on_gone(self, person: rtc.RemoteParticipant) -> None:
        if self._agent is None or person.identity != self._agent.identity:
            return
        self._agent, self._absent_since = None, time.monotonic()
        for other in self.room.remote_participants.values():
            self._on_person(other)
        if self._agent is None and not self._leaving:
            self._listener.connection("The agent has left.")

    def _on_attributes(self, changed: dict[str, str], person: rtc.Participant) -> None:
        if self._agent is not None and person.identity == self._agent.identity and changed.get(STATE):
            self._listener.agent_is(changed[STATE])

    def _on_track(self, track: rtc.Track, _: rtc.RemoteTrackPublication, person: rtc.RemoteParticipant) -> None:
        if person.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT and isinstance(track, rtc.RemoteAudioTrack):
            self._listener.agent_voice(track)

    def _on_disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        if not self._leaving:
            self._ended = rtc.DisconnectReason.Name(reason)

    def _on_words(self, reader: rtc.TextStreamReader, identity: str) -> None:
        # Counted here, in the order of arrival: the tasks may run in any order.
        attributes = reader.info.attributes or {}
        own = identity == self.room.local_participant.identity or attributes.get(TRACK, "") in self._own_tracks()
        self._start(self._read_own(reader) if own else self._read_agent(reader, self._begin()))

    def _own_tracks(self) -> list[str]:
        return list(self.room.local_participant.track_publications)

    def _begin(self) -> int:
        self.turns += 1
        number = next(self._segments)
        self._growing.add(number)
        return number

    async def _read_agent(self, reader: rtc.TextStreamReader, segment: int) -> None:
        try:
            async for text in reader:
                self._listener.agent_says(segment, text)
        except ConnectionError:
            pass  # an agent that dies leaves its sentence unfinished
        finally:
            self._growing.discard(segment)
            self._listener.agent_has_said(segment)

    async def _read_own(self, reader: rtc.TextStreamReader) -> None:
        # each guess at the words comes as a whole; the last is final
        with suppress(ConnectionError):
            text = await reader.read_all()
            if (reader.info.attributes or {}).get(FINAL) == "true":
                self._listener.you_said(text)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)
