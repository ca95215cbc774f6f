"""The connection to the room: who is there, whether the agent is, and what state it says it is in."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from livekit import rtc
from livekit.rtc.participant import PublishTrackError

from voiceagent_caller.errors import CallFailed
from voiceagent_caller.gateway import Ticket

AGENT_STATE = "lk.agent.state"
_HANG_UP_TIMEOUT_SECONDS = 5.0


class Line:
    def __init__(self, changed: Callable[[], None], heard_track: Callable[[rtc.RemoteAudioTrack], None]) -> None:
        """`heard_track` is called for each audio track of the agent that can be listened to."""
        self.room = rtc.Room()
        self._changed = changed
        self._heard_track = heard_track
        self._connecting: asyncio.Task[None] | None = None
        self._hanging_up = False
        self.agent: rtc.RemoteParticipant | None = None
        self._voices: dict[str, float] = {}
        self.trouble: str | None = None
        """Why the call cannot go on, as a sentence."""
        self.room.on("participant_connected", self._came)
        self.room.on("participant_disconnected", self._left)
        self.room.on("participant_attributes_changed", self._attributes_changed)
        self.room.on("track_subscribed", self._subscribed)
        self.room.on("disconnected", self._disconnected)

    async def connect(self, ticket: Ticket, timeout_seconds: float) -> None:
        # The SDK goes on connecting when its caller is cancelled, and a ghost would stay in the room: the
        # attempt is a task of its own, which hang_up waits for.
        self._connecting = asyncio.create_task(self.room.connect(ticket.url, ticket.token))
        try:
            async with asyncio.timeout(timeout_seconds):
                await asyncio.shield(self._connecting)
        except TimeoutError as error:
            raise CallFailed(
                f"LiveKit at {ticket.url} let nobody in within {timeout_seconds:g} s; can it be reached?"
            ) from error
        except rtc.ConnectError as error:
            raise CallFailed(f"LiveKit at {ticket.url} cannot be joined: {error.message}") from error
        for participant in self.room.remote_participants.values():
            self._came(participant)

    @property
    def agent_state(self) -> str | None:
        """What the agent says it does: listening, thinking, speaking …; None while it has said nothing."""
        return self.agent.attributes.get(AGENT_STATE) if self.agent is not None else None

    @property
    def agent_voice_since(self) -> float | None:
        """When the agent's audio track could first be heard, on the monotonic clock."""
        return self._voices.get(self.agent.identity) if self.agent is not None else None

    async def publish(self, track: rtc.LocalAudioTrack, timeout_seconds: float) -> rtc.LocalTrackPublication:
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self.room.local_participant.publish_track(track, options)
        except TimeoutError as error:
            raise CallFailed(f"LiveKit did not take the caller's microphone within {timeout_seconds:g} s.") from error
        except PublishTrackError as error:
            raise CallFailed(f"LiveKit did not take the caller's microphone: {error.message}") from error

    async def hang_up(self) -> None:
        """Leaves the room; never fails and never takes long."""
        self._hanging_up = True
        with contextlib.suppress(TimeoutError, rtc.ConnectError):
            async with asyncio.timeout(_HANG_UP_TIMEOUT_SECONDS):
                if self._connecting is not None:
                    await asyncio.shield(self._connecting)
                    await self.room.disconnect()

    def _came(self, participant: rtc.RemoteParticipant) -> None:
        # The newest agent is the agent: an older one that is still listed has died and was replaced.
        if participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT:
            self.agent = participant
            self._changed()

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        self._voices.pop(participant.identity, None)
        if self.agent is not None and participant.identity == self.agent.identity:
            self.agent = None
            for other in self.room.remote_participants.values():
                self._came(other)
            self._changed()

    def _attributes_changed(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        self._changed()

    def _subscribed(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        # An agent's voice is its microphone; music that it plays comes from another source.
        is_agent = participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        is_voice = publication.source == rtc.TrackSource.SOURCE_MICROPHONE
        if is_agent and is_voice and isinstance(track, rtc.RemoteAudioTrack):
            self._voices[participant.identity] = time.monotonic()
            self._heard_track(track)
            self._changed()

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        if not self._hanging_up:
            name = rtc.DisconnectReason.Name(reason).replace("_", " ").lower()
            self.trouble = f"LiveKit ended the call: {name}."
            self._changed()
