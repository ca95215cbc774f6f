"""A conversation on this machine by one version of a manifest: what a call has, but for a room."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from livekit.agents import Agent, AgentSession, ConversationItemAddedEvent, ErrorEvent
from livekit.agents.llm import ChatMessage
from livekit.agents.vad import VAD
from voiceagent_api.agent_config import AgentConfig

from voiceagent_worker.conversation import create_agent, create_session
from voiceagent_worker.events import McpServerTried, SentEvent
from voiceagent_worker.logs import Redactor
from voiceagent_worker.mcp_tools import CONNECT_SECONDS, McpTools
from voiceagent_worker.plugins.call import CallPlugins
from voiceagent_worker.plugins.in_room import begin, open_plugins
from voiceagent_worker.plugins.speech import typed
from voiceagent_worker.providers import build_language_model, build_models
from voiceagent_worker.providers.failures import failure_sentence, kind_of
from voiceagent_worker.speaking import speak

ANSWER_SECONDS: Final = 120.0
TOOLS_SECONDS: Final = CONNECT_SECONDS + 1.0
"""How long the first answer waits for tool servers."""
Show = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Person:
    """Who talks, and how what is answered is shown."""

    caller: str
    redactor: Redactor
    show: Show


@dataclass(frozen=True, slots=True)
class Voice:
    """What a conversation aloud has besides."""

    detection: VAD
    attach: Callable[[AgentSession[None]], None]
    """Gives the session ears and a mouth."""


@dataclass(slots=True)
class Talk:
    """A conversation by one version of the manifest."""

    session: AgentSession[None]
    plugins: CallPlugins | None
    tools: McpTools | None = None
    _attaching: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    async def open(
        cls, config: AgentConfig, person: Person, history: Sequence[ChatMessage] = (), voice: Voice | None = None
    ) -> "Talk":
        """Begin, or go on with `history`; in writing where there is no voice. Raises WorkerError."""
        redactor, show = person.redactor, person.show
        name = uuid.uuid4().hex
        if voice is None:
            models = await build_language_model(config, redactor)
        else:
            models = await build_models(config, redactor, voice.detection)
        plugins = open_plugins(config, name, lambda _: None, redactor) if config.plugins else None
        session = create_session(models, voice.detection if voice else None, config.turn_detection, plugins)
        agent = create_agent(config, plugins)
        await _recall(agent, history)
        if plugins is not None:
            await begin(plugins, agent, person.caller)
        talk = cls(session, plugins)
        talk._show(config, show, aloud=voice is not None)
        if voice is not None:
            voice.attach(session)
        await session.start(agent=agent, record=False)
        if config.mcp_servers:
            talk.tools = McpTools(config.mcp_servers, name, _tell_failed_servers(show), redactor)
            talk._attaching.add(asyncio.create_task(talk.tools.attach(agent), name="tools"))
        if config.greeting and not history:
            greeting = speak(session, config.greeting)
            if voice is None:
                await greeting
        return talk

    @property
    def history(self) -> list[ChatMessage]:
        """What both sides said."""
        said = (item for item in self.session.history.items if isinstance(item, ChatMessage))
        return [item for item in said if item.role in ("user", "assistant")]

    async def answer(self, line: str) -> None:
        """Have a line answered, within ANSWER_SECONDS."""
        if self._attaching:
            await asyncio.wait(self._attaching, timeout=TOOLS_SECONDS)
        if self.plugins is not None:
            handle = await typed(self.session, line, self.plugins)
        else:
            handle = self.session.generate_reply(user_input=line)
        if handle is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await handle

    async def close(self) -> None:
        """Let go of plugins and tool servers too."""
        for task in self._attaching:
            task.cancel()
        await asyncio.gather(*self._attaching, return_exceptions=True)
        await self.session.aclose()
        if self.tools is not None:
            await self.tools.close()
        if self.plugins is not None:
            await self.plugins.end()

    def _show(self, config: AgentConfig, show: Show, *, aloud: bool) -> None:
        def on_message(event: ConversationItemAddedEvent) -> None:
            if not isinstance(event.item, ChatMessage):
                return
            text = event.item.text_content or ""
            if event.item.role == "assistant":
                show(f"agent: {text}" if aloud else text)
            elif aloud and event.item.role == "user":
                show(f"you: {text}")

        def on_error(event: ErrorEvent) -> None:
            kind = kind_of(getattr(event.error, "type", ""))
            provider = getattr(config.providers, kind, None) if kind else None
            if kind and provider is not None and not getattr(event.error, "recoverable", False):
                cause = getattr(event.error, "error", None) or RuntimeError("unknown")
                show(f"({failure_sentence(kind, provider, cause)})")

        self.session.on("conversation_item_added", on_message)
        self.session.on("error", on_error)


def _tell_failed_servers(show: Show) -> Callable[[SentEvent], None]:
    told: set[str] = set()

    def tell(event: SentEvent) -> None:
        if isinstance(event, McpServerTried) and not event.ok and event.server not in told:
            told.add(event.server)
            show(f"(The tool server {event.server} does not answer; the agent goes on without its tools.)")

    return tell


async def _recall(agent: Agent, history: Sequence[ChatMessage]) -> None:
    context = agent.chat_ctx.copy()
    for item in history:
        context.add_message(role=item.role, content=item.text_content or "")
    await agent.update_chat_ctx(context)
