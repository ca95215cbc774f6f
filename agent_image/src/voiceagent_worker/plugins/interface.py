"""What a plugin is."""

from abc import ABC, abstractmethod
from typing import Any

from voiceagent_worker.plugins.context import PluginContext


class AgentPlugin(ABC):
    """A step that messages pass through.

    A class need not inherit from this one: whatever has `process_message`, `get_name` and `is_enabled` is a plugin.
    What follows those three is optional. A call has plugins of its own, so a plugin may keep what it likes of the
    call in itself or in `context.state`.
    """

    changes_text: bool = True
    """False says that `process_message` always returns the message as it was: then the words that the room sees while
    the caller still speaks need not be held back for this plugin."""

    @abstractmethod
    async def process_message(self, message: str, context: PluginContext) -> str:
        """The message as it is to go on: itself, another, or an empty one to drop it.

        `context.direction` tells whose words these are: those of the caller ("user"), as they were typed or
        transcribed, or those of the agent ("agent"), a sentence at a time.
        """

    @abstractmethod
    def get_name(self) -> str:
        """A name for people; metrics and logs use the one that the agent's spec gives."""

    @abstractmethod
    def is_enabled(self) -> bool:
        """Asked before each message; a plugin that says False is passed by."""

    async def on_session_start(self, context: PluginContext) -> None:  # noqa: B027 (optional)
        """The call begins: the agent is in the room and has not spoken yet."""

    async def on_session_end(self, context: PluginContext) -> None:  # noqa: B027 (optional)
        """The call is over."""

    def filter_live(self, text: str) -> str | None:
        """The words that the room sees while the caller still speaks; None holds them back.

        Called many times a sentence, so it must be quick and remember nothing.
        """
        return None if self.changes_text else text


PluginClass = type[Any]
"""Any class with the three methods."""
METHODS = ("process_message", "get_name", "is_enabled")
