"""What a plugin is told of the message that it gets, and what it may tell in turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Direction = Literal["user", "agent"]


class Reporter(Protocol):
    """Where a plugin's words about itself go."""

    def count(self, plugin: str, name: str, amount: float) -> None:
        """Count something that happened."""

    def observe(self, plugin: str, name: str, value: float) -> None:
        """Take in a measured value."""

    def set_attribute(self, plugin: str, key: str, value: str) -> None:
        """Show something in the room."""

    def add_background(self, plugin: str, text: str) -> None:
        """Let the language model know something from the start."""


@dataclass(slots=True)
class Conversation:
    """What stays the same for all messages of a call, or grows with it."""

    session: str
    room: str = ""
    agent: str = ""
    language: str = "en"
    caller: str = ""
    """The caller's identity in the room; empty until there is one."""
    turn: int = 0
    """How many times the caller's turn has ended."""
    state: dict[str, Any] = field(default_factory=dict)


class PluginContext(dict[str, Any]):
    """A dict, as plugins have always been given, with its fields as properties too.

    One for each message: what a plugin puts into it, those after it see. What is to last for the call goes into
    `state`, which all plugins of the call share.
    """

    __slots__ = ("_plugin", "_reporter")

    def __init__(self, fields: Mapping[str, Any], reporter: Reporter | None = None, plugin: str = "") -> None:
        super().__init__(fields)
        self._reporter = reporter
        self._plugin = plugin

    @classmethod
    def of(cls, conversation: Conversation, direction: Direction | None, reporter: Reporter) -> "PluginContext":
        """The context of a message; no direction where there is none, at the call's start and end."""
        return cls(
            {
                "direction": direction,
                "session": conversation.session,
                "session_id": conversation.session,
                "room": conversation.room,
                "agent": conversation.agent,
                "language": conversation.language,
                "caller": conversation.caller,
                "turn": conversation.turn,
                "state": conversation.state,
            },
            reporter,
        )

    def given_to(self, plugin: str) -> "PluginContext":
        """The same for one plugin, by whose name its reports go."""
        self._plugin = plugin
        return self

    def apart(self) -> "PluginContext":
        """A copy, for when a plugin that is late may still hold this one."""
        return PluginContext(self, self._reporter, self._plugin)

    @property
    def direction(self) -> Direction | None:
        """Whose words these are: "user" (the caller's) or "agent"."""
        direction: Direction | None = self["direction"]
        return direction

    @property
    def session(self) -> str:
        """The call's id."""
        return str(self["session"])

    @property
    def room(self) -> str:
        """The name of the LiveKit room."""
        return str(self["room"])

    @property
    def agent(self) -> str:
        """NAMESPACE/NAME of the VoiceAgent."""
        return str(self["agent"])

    @property
    def language(self) -> str:
        """The agent's language, a BCP 47 tag."""
        return str(self["language"])

    @property
    def caller(self) -> str:
        """The caller's identity in the room; empty where none is known."""
        return str(self["caller"])

    @property
    def turn(self) -> int:
        """How many times the caller's turn has ended: pieces of one long turn have the same number."""
        return int(self["turn"])

    @property
    def state(self) -> dict[str, Any]:
        """For the call, shared by its plugins."""
        state: dict[str, Any] = self["state"]
        return state

    def count(self, name: str, amount: float = 1) -> None:
        """Count in the pod's metrics: voiceagent_plugin_events_total{plugin, name}."""
        if self._reporter is not None:
            self._reporter.count(self._plugin, name, amount)

    def observe(self, name: str, value: float) -> None:
        """Add a value to the pod's metrics: sum and count of voiceagent_plugin_observations{plugin, name}."""
        if self._reporter is not None:
            self._reporter.observe(self._plugin, name, value)

    def set_attribute(self, key: str, value: str) -> None:
        """Show a value in the room, as attribute voiceagents.dev/PLUGIN.KEY of the agent."""
        if self._reporter is not None:
            self._reporter.set_attribute(self._plugin, key, value)

    def add_background(self, text: str) -> None:
        """In `on_session_start`: let the language model know this from the start. It is bounded."""
        if self._reporter is not None:
            self._reporter.add_background(self._plugin, text)
