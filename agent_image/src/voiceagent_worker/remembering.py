"""A call's memory: read from the person in the room as the call starts, and left with that person after each remark.

An agent that takes over from one that died goes on with it. Only what both sides said is kept, never instructions
or what tools told.
"""

import asyncio
import os
from collections import deque

from livekit import api, rtc
from livekit.agents import Agent, AgentSession, ConversationItemAddedEvent
from livekit.agents.llm import ChatMessage
from voiceagent_api.names import ATTRIBUTE_MEMORY

from voiceagent_worker.memory import MAX_REMARKS, NONCE_BYTES, Remark, decode, encode
from voiceagent_worker.newest import NewestWriter
from voiceagent_worker.people import linked_person


class CallMemory:
    """The remarks of one call. Needs no room before `recall`."""

    def __init__(self, room: rtc.Room, livekit: api.LiveKitAPI, key: bytes) -> None:
        self._room = room
        self._livekit = livekit
        self._key = key
        self._remarks: deque[Remark] = deque(maxlen=MAX_REMARKS)
        self._session: AgentSession[None] | None = None
        self._writer = NewestWriter[tuple[Remark, ...]](self._leave, "The conversation's memory")

    async def recall(self, agent: Agent) -> bool:
        """Let the agent know what was said before in this room; whether anything was."""
        attributes = [person.attributes.get(ATTRIBUTE_MEMORY) for person in self._room.remote_participants.values()]
        found = (decode(text, self._key, self._room.name) for text in attributes if text)
        remarks = next((remarks for remarks in found if remarks), ())
        if not remarks:
            return False
        self._remarks.extendleft(reversed(remarks))
        context = agent.chat_ctx.copy()
        for remark in remarks:
            context.add_message(role=remark.role, content=remark.text)
        await agent.update_chat_ctx(context)
        return True

    def follow(self, session: AgentSession[None]) -> None:
        """Take in what is said from now on."""
        self._session = session
        session.on("conversation_item_added", self._on_item)

    async def keep(self) -> None:
        """Leave what is new with the person, until cancelled."""
        await self._writer.run()

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, ChatMessage) and item.role in ("user", "assistant") and item.text_content:
            self._remarks.append(Remark(item.role, item.text_content))
            self._writer.offer(tuple(self._remarks))

    async def _leave(self, remarks: tuple[Remark, ...]) -> None:
        identity = linked_person(self._session) if self._session else None
        if identity is None:
            return
        # on another thread: the call's event loop carries sound
        text = await asyncio.to_thread(encode, remarks, self._key, self._room.name, os.urandom(NONCE_BYTES))
        await self._livekit.room.update_participant(
            api.UpdateParticipantRequest(room=self._room.name, identity=identity, attributes={ATTRIBUTE_MEMORY: text})
        )
