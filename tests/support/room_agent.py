"""An agent's side of a call in a real room: state, sound and transcripts as livekit-agents publishes them.

It has no models, so that tests say what it does and when; calls with a real worker are in tests/e2e.
"""

import array
import asyncio
import math
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from livekit import api, rtc
from local_livekit import LiveKit

T = TypeVar("T")
STEP_SECONDS = 60.0
SAMPLE_RATE = 24000
FRAME_SAMPLES = SAMPLE_RATE // 100


class RoomAgent:
    """Joins a caller's room from a thread of its own, since browsers are driven without asyncio."""

    def __init__(self, livekit: LiveKit) -> None:
        self._livekit = livekit
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._room = self._do(self._new_room())
        self._speaking = False
        self._voice: asyncio.Task[None] | None = None
        self.heard: list[str] = []
        """What the caller typed."""

    def join(self, state: str = "listening", room: str | None = None) -> None:
        """Join a room; without its name the one that has a caller and no agent, as soon as there is one."""
        self._do(self._join(state, room))

    def state(self, state: str) -> None:
        """Be idle, listening, thinking or speaking; one who speaks is heard."""
        self._do(self._be(state))

    def say(self, text: str, segment: str) -> None:
        """Words of the agent, all at once."""
        self._do(self._transcribe(text, {"lk.segment_id": segment, "lk.transcription_final": "true"}))

    def hear(self, text: str, segment: str, final: bool = True) -> None:
        """Words of the caller, as speech recognition has them."""
        self._do(self._hear(text, segment, final))

    def until_heard(self, text: str) -> None:
        """Wait until the caller has typed this."""
        end = time.monotonic() + STEP_SECONDS
        while text not in self.heard:
            assert time.monotonic() < end, self.heard
            time.sleep(0.05)

    def leave(self) -> None:
        """Leave the room, if in one, and stop; may be called again."""
        if not self._thread.is_alive():
            return
        with suppress(Exception):
            self._do(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STEP_SECONDS)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(STEP_SECONDS)

    async def _new_room(self) -> rtc.Room:
        # A room makes futures of the loop that runs; a test's own thread may have none.
        return rtc.Room()

    async def _join(self, state: str, room: str | None) -> None:
        name = room or await self._waiting_room()
        grants = api.VideoGrants(room_join=True, room=name, agent=True, can_update_own_metadata=True)
        token = api.AccessToken(self._livekit.key, self._livekit.secret).with_identity("agent").with_kind("agent")
        self._room.register_text_stream_handler("lk.chat", self._on_typed)
        await self._room.connect(self._livekit.url, token.with_grants(grants).to_jwt())
        source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=100)
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        await self._room.local_participant.publish_track(track)
        self._voice = asyncio.create_task(self._sound(source))
        await self._be(state)

    async def _waiting_room(self) -> str:
        async with self._livekit.client() as client:
            while True:
                found = await client.room.list_rooms(api.ListRoomsRequest())
                for room in found.rooms:
                    there = await client.room.list_participants(api.ListParticipantsRequest(room=room.name))
                    kinds = [one.kind for one in there.participants]
                    if kinds and api.ParticipantInfo.Kind.AGENT not in kinds:
                        return room.name
                await asyncio.sleep(0.1)

    async def _be(self, state: str) -> None:
        self._speaking = state == "speaking"
        await self._room.local_participant.set_attributes({"lk.agent.state": state})

    async def _hear(self, text: str, segment: str, final: bool) -> None:
        # The page publishes its microphone after it has joined.
        while not (tracks := [(one, track) for one in self._callers() for track in one.track_publications]):
            await asyncio.sleep(0.05)
        caller, track = tracks[0]
        known = {"lk.segment_id": segment, "lk.transcribed_track_id": track}
        await self._transcribe(text, {**known, "lk.transcription_final": str(final).lower()}, caller.identity)

    def _callers(self) -> list[rtc.RemoteParticipant]:
        return list(self._room.remote_participants.values())

    async def _transcribe(self, text: str, attributes: dict[str, str], sender: str | None = None) -> None:
        writer = await self._room.local_participant.stream_text(
            topic="lk.transcription", attributes=attributes, sender_identity=sender
        )
        await writer.write(text)
        await writer.aclose()

    def _on_typed(self, reader: rtc.TextStreamReader, _: str) -> None:
        async def read() -> None:
            self.heard.append(await reader.read_all())

        self._reading = asyncio.ensure_future(read())

    async def _sound(self, source: rtc.AudioSource) -> None:
        frames = [_voice(number * FRAME_SAMPLES) for number in range(100)]
        silence = _frame([0] * FRAME_SAMPLES)
        while True:
            for frame in frames:
                await source.capture_frame(frame if self._speaking else silence)

    async def _leave(self) -> None:
        if self._voice is not None:
            self._voice.cancel()
        await self._room.disconnect()


def _voice(start: int) -> rtc.AudioFrame:
    """A part of a second of something like a voice: a low tone with harmonics, in syllables."""

    def sample(at: int) -> int:
        seconds = at / SAMPLE_RATE
        syllable = max(0.0, math.sin(2 * math.pi * 3 * seconds))
        return int(4000 * syllable * sum(math.sin(2 * math.pi * 170 * n * seconds) / n for n in range(1, 9)))

    return _frame([sample(start + index) for index in range(FRAME_SAMPLES)])


def _frame(samples: list[int]) -> rtc.AudioFrame:
    return rtc.AudioFrame(array.array("h", samples).tobytes(), SAMPLE_RATE, 1, FRAME_SAMPLES)
