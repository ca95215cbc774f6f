"""A call's plugins in a LiveKit room: who the caller is, what the room is shown, and what it types."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice.room_io import RoomOptions, TextInputOptions
from voiceagent_api.agent_config import AgentConfig

from voiceagent_worker.events import PluginNews, SentEvent
from voiceagent_worker.logs import Redactor
from voiceagent_worker.people import linked_person
from voiceagent_worker.plugins.call import CallPlugins
from voiceagent_worker.plugins.context import Conversation
from voiceagent_worker.plugins.loading import make_steps
from voiceagent_worker.plugins.shared import SharedBreakers
from voiceagent_worker.plugins.speech import text_input

logger = logging.getLogger(__name__)

CALLER_SECONDS: Final = 2.0
"""For the caller to be seen in the room; usually it is who made it."""
LOOK_SECONDS: Final = 0.02


class RoomPlugins:
    """The plugins of a call, and the room it is held in."""

    def __init__(self, call: CallPlugins, room: rtc.Room, breakers: SharedBreakers) -> None:
        self.call = call
        self._room = room
        self._breakers = breakers

    @classmethod
    def of(
        cls,
        config: AgentConfig,
        session: str,
        room: rtc.Room,
        send: Callable[[SentEvent], None],
        redactor: Redactor,
        broken: Mapping[str, float],
    ) -> "RoomPlugins | None":
        """Those that the config names; None if it names none. `broken` is what the pod knows, as in SharedBreakers."""
        if not config.plugins:
            return None
        breakers = SharedBreakers(session, send, broken)
        return cls(open_plugins(config, session, send, redactor, breakers), room, breakers)

    @property
    def room_options(self) -> RoomOptions:
        """How the session is to listen to the room."""
        return RoomOptions(text_input=TextInputOptions(text_input_cb=text_input(self.call)))

    async def start(self, session: AgentSession[None], agent: Agent) -> None:
        """The agent is in the room: plugins may look up who calls, and let the agent know of it."""
        await begin(self.call, agent, await _caller(session), self._room.name)

    def take_in(self, news: PluginNews) -> None:
        """What another call of this pod found."""
        self._breakers.take_in(news.key, news.available)

    async def show(self) -> None:
        """Show what plugins want the room to see, until cancelled."""
        await self.call.show(self._room.local_participant.set_attributes)

    async def close(self) -> None:
        """The call is over."""
        await self.call.end()


def open_plugins(
    config: AgentConfig,
    session: str,
    send: Callable[[SentEvent], None],
    redactor: Redactor,
    breakers: SharedBreakers | None = None,
) -> CallPlugins:
    """The plugins of a call that the config names."""
    breakers = breakers or SharedBreakers(session, send, {})
    conversation = Conversation(session=session, agent=f"{config.namespace}/{config.name}", language=config.language)
    return CallPlugins(make_steps(config, redactor, breakers), conversation, send)


async def begin(plugins: CallPlugins, agent: Agent, caller: str, room: str = "") -> None:
    """Tell the plugins of the call, and the agent what they know. Also for a call without a room."""
    background = await plugins.start(caller, room)
    if background:
        context = agent.chat_ctx.copy()
        context.add_message(role="system", content=background)
        await agent.update_chat_ctx(context)


async def _caller(session: AgentSession[None]) -> str:
    try:
        async with asyncio.timeout(CALLER_SECONDS):
            while (identity := linked_person(session)) is None:  # noqa: ASYNC110 (livekit-agents tells it by no event)
                await asyncio.sleep(LOOK_SECONDS)
            return identity
    except TimeoutError:
        logger.info("Nobody is in the room yet; plugins do not know the caller")
        return ""
