"""The life of a call's plugins: what they are told, and where what they report goes."""

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from voiceagent_api.names import GROUP

from voiceagent_worker.events import PluginReported, PluginResult, PluginsRan, PluginsStarted, SentEvent
from voiceagent_worker.newest import NewestWriter
from voiceagent_worker.plugins.chain import PluginCall, PluginChain, Processed, Step
from voiceagent_worker.plugins.context import Conversation, Direction, PluginContext
from voiceagent_worker.sentences import UNPROCESSED, sentence

logger = logging.getLogger(__name__)

START_SECONDS: Final = 3.0
"""What plugins may take together before the agent greets."""
END_SECONDS: Final = 2.0
MAX_BACKGROUND_CHARACTERS: Final = 4000
"""Of what all plugins let the language model know from the start; a thousand tokens or so."""
MAX_ATTRIBUTE_CHARACTERS: Final = 256
MAX_ATTRIBUTES: Final = 32
SEEN: Final = 64
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class CallPlugins:
    """The plugins of one call, from its first word to its last."""

    def __init__(
        self,
        steps: Sequence[Step],
        conversation: Conversation,
        send: Callable[[SentEvent], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`send` takes what the main process is to count."""
        self._conversation = conversation
        self._send = send
        self._chain = PluginChain(steps, self._record, clock)
        self._seen: deque[str] = deque(maxlen=SEEN)
        self._background: list[str] = []
        self._attributes: dict[str, str] = {}
        self._show: Callable[[dict[str, str]], Awaitable[None]] | None = None
        self._writer = NewestWriter[dict[str, str]](self._write_attributes, "What plugins show in the room")
        self._ended = False
        self.typing = asyncio.Lock()
        """Typed messages go through one at a time, in their order."""

    @property
    def apology(self) -> str:
        """What answers a turn that a plugin with the policy Fail could not process."""
        return sentence(UNPROCESSED, self._conversation.language)

    async def from_user(self, text: str) -> Processed:
        """What the caller said or typed."""
        return await self._process("user", text)

    async def from_agent(self, text: str) -> Processed:
        """A sentence that the agent is about to say."""
        return await self._process("agent", text)

    def live(self, text: str) -> str:
        """What the room may see of words that the caller is still saying."""
        return self._chain.live(text)

    def turn_ended(self, message_id: str) -> None:
        """The caller's turn is over, and its words are in the message of this id."""
        self._seen.append(message_id)
        self._conversation.turn += 1

    def has_seen(self, message_id: str) -> bool:
        """Whether that message's words went through the plugins."""
        return message_id in self._seen

    async def start(self, caller: str, room: str = "") -> str:
        """The agent is in the room; what the language model is to know from the start, empty if nothing."""
        self._conversation.caller = caller
        self._conversation.room = room
        self._send(PluginsStarted(session=self._conversation.session, plugins=list(self._chain.names)))
        await self._chain.start(lambda: self._context(None), START_SECONDS)
        return "\n\n".join(self._background)[:MAX_BACKGROUND_CHARACTERS]

    async def show(self, show: Callable[[dict[str, str]], Awaitable[None]]) -> None:
        """Show plugins' attributes by `show`, until cancelled."""
        self._show = show
        await self._writer.run()

    async def end(self) -> None:
        """The call is over. May be called again."""
        if not self._ended:
            self._ended = True
            await self._chain.end(lambda: self._context(None), END_SECONDS)

    def count(self, plugin: str, name: str, amount: float) -> None:
        """Count something that happened."""
        if amount > 0:
            self._report(plugin, name, amount, "count")

    def observe(self, plugin: str, name: str, value: float) -> None:
        """Take in a measured value."""
        self._report(plugin, name, value, "observe")

    def set_attribute(self, plugin: str, key: str, value: str) -> None:
        """Show something in the room, some time within the next seconds."""
        name = f"{GROUP}/{plugin}.{key}"
        if not _NAME.fullmatch(key) or (name not in self._attributes and len(self._attributes) >= MAX_ATTRIBUTES):
            logger.warning("Plugin %s may not show an attribute of that name, or so many", plugin)
            return
        self._attributes[name] = value[:MAX_ATTRIBUTE_CHARACTERS]
        self._writer.offer(dict(self._attributes))

    def add_background(self, plugin: str, text: str) -> None:
        """Let the language model know something from the start."""
        if text.strip():
            self._background.append(text.strip())

    async def _process(self, direction: Direction, text: str) -> Processed:
        return await self._chain.run(direction, text, self._context(direction))

    def _context(self, direction: Direction | None) -> PluginContext:
        return PluginContext.of(self._conversation, direction, self)

    def _record(self, calls: Sequence[PluginCall]) -> None:
        results = [
            PluginResult(
                plugin=call.plugin,
                occasion=call.occasion,
                outcome=call.outcome,
                seconds=call.seconds,
                changed=call.changed,
            )
            for call in calls
        ]
        self._send(PluginsRan(session=self._conversation.session, results=results))

    def _report(self, plugin: str, name: str, value: float, how: str) -> None:
        finite = value == value and abs(value) != float("inf")
        if not finite or not _NAME.fullmatch(name):
            logger.warning("Plugin %s reported what is no metric: a name is like this_one, a value finite", plugin)
            return
        self._send(
            PluginReported(
                session=self._conversation.session,
                plugin=plugin,
                name=name,
                value=value,
                counted=how == "count",
            )
        )

    async def _write_attributes(self, attributes: dict[str, str]) -> None:
        if self._show is not None:
            await self._show(attributes)
