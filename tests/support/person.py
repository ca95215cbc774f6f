"""A person in a room of a real livekit-server."""

import asyncio
import uuid
from contextlib import suppress

from livekit import api, rtc
from local_livekit import LiveKit
from worker_process import RunningWorker, until


class Caller:
    """A person in a room, who waits for the agent."""

    def __init__(
        self,
        livekit: LiveKit,
        worker: RunningWorker,
        *,
        name: str = "",
        metadata: str = "",
        attributes: dict[str, str] | None = None,
    ) -> None:
        self._livekit = livekit
        self._known = (name, metadata, attributes or {})
        self._agent_name = worker.agent_name
        self.name = f"room-{uuid.uuid4().hex[:8]}"
        self.room = rtc.Room()
        self.left = asyncio.Event()
        self.room.on("participant_disconnected", lambda _: self.left.set())
        self._reading: set[asyncio.Task[None]] = set()
        self.heard: list[str] = []
        """What agents said, whole sentences and what is being said."""
        self.transcribed: list[str] = []
        """What the room shows of this person's own words, also while they are being said."""
        self.room.register_text_stream_handler("lk.transcription", self._on_transcription)
        self.internals: list[str] = []
        self.room.register_byte_stream_handler("lk.agent.session", lambda _, sender: self.internals.append(sender))

    async def __aenter__(self) -> "Caller":
        configuration = api.RoomConfiguration(
            agents=[api.RoomAgentDispatch(agent_name=self._agent_name)], departure_timeout=2
        )
        name, metadata, attributes = self._known
        token = (
            api.AccessToken(self._livekit.key, self._livekit.secret)
            .with_identity("caller")
            .with_name(name)
            .with_metadata(metadata)
            .with_attributes(attributes)
            .with_grants(api.VideoGrants(room_join=True, room=self.name))
            .with_room_config(configuration)  # dispatches the agent as the room is made
        )
        await self.room.connect(self._livekit.url, token.to_jwt())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.room.disconnect()

    async def agent(self, other_than: str | None = None) -> rtc.RemoteParticipant:
        """The agent in the room, once there is one; not the one whose identity is given."""

        async def present() -> rtc.RemoteParticipant | None:
            kind = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
            people = self.room.remote_participants.values()
            return next((p for p in people if p.kind == kind and p.identity != other_than), None)

        participant: rtc.RemoteParticipant = await until(present, 60.0, "the agent in the room")
        return participant

    async def listening_agent(self) -> rtc.RemoteParticipant:
        """The agent, once it listens: what is typed before that is lost."""
        agent = await self.agent()

        async def listens() -> bool:
            return agent.attributes.get("lk.agent.state") == "listening"

        await until(listens, 60.0, "an agent that listens")
        return agent

    async def type(self, text: str) -> None:
        """Say it in writing."""
        await self.room.local_participant.send_text(text, topic="lk.chat")

    async def hears(self, words: str) -> None:
        """Wait until an agent has said this."""

        async def heard() -> bool:
            return any(words in text for text in self.heard)

        await until(heard, 60.0, f"{words!r} in {self.heard}")

    def _on_transcription(self, reader: rtc.TextStreamReader, sender: str) -> None:
        own = sender == self.room.local_participant.identity
        task = asyncio.create_task(self._read(reader, self.transcribed if own else self.heard))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read(self, reader: rtc.TextStreamReader, texts: list[str]) -> None:
        texts.append("")
        place = len(texts) - 1
        # an agent that dies leaves its sentence unfinished
        with suppress(rtc.data_stream.StreamError):
            async for part in reader:
                texts[place] += part
