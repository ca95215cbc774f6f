"""The smallest plugin that does something: copy it to write your own."""

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.plugins.context import PluginContext
from voiceagent_worker.plugins.interface import AgentPlugin


class Example(AgentPlugin):
    """Counts messages and, if asked to, puts words before and behind what the agent says."""

    def __init__(self, prefix: str = "", suffix: str = "") -> None:
        """The parameters are the keys of the plugin's `config`."""
        if not isinstance(prefix, str) or not isinstance(suffix, str):
            raise ConfigurationError("prefix and suffix must be text")
        self._prefix = prefix
        self._suffix = suffix

    def get_name(self) -> str:
        """Its name."""
        return "example"

    def is_enabled(self) -> bool:
        """Always."""
        return True

    async def on_session_start(self, context: PluginContext) -> None:
        """Nothing was said yet."""
        context.state["example"] = {"user": 0, "agent": 0}

    async def process_message(self, message: str, context: PluginContext) -> str:
        """The message, counted."""
        counts = context.state.setdefault("example", {"user": 0, "agent": 0})
        counts[context.direction] += 1
        context.count("messages")
        if context.direction == "agent":
            return f"{self._prefix}{message}{self._suffix}"
        return message

    def filter_live(self, text: str) -> str | None:
        """It never changes the caller's words."""
        return text
