"""`voiceagent-worker dev agent.yaml`: talk to the agent of a manifest in writing, with no cluster and no LiveKit.

What is typed and answered goes through the same plugins and the same language model as in a call. A saved manifest
counts from the next message on; what was said before stays.
"""

import argparse
import asyncio
import logging
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from livekit.agents import Agent, AgentSession, ConversationItemAddedEvent, ErrorEvent
from livekit.agents.llm import ChatMessage
from livekit.agents.utils import http_context
from voiceagent_api.agent_config import AgentConfig

from voiceagent_worker import logs
from voiceagent_worker.conversation import create_agent, create_session
from voiceagent_worker.errors import WorkerError
from voiceagent_worker.logs import Redactor
from voiceagent_worker.manifest import config_of, read_manifest
from voiceagent_worker.plugins.call import CallPlugins
from voiceagent_worker.plugins.in_room import begin, open_plugins
from voiceagent_worker.plugins.speech import typed
from voiceagent_worker.providers import build_language_model
from voiceagent_worker.providers.failures import failure_sentence
from voiceagent_worker.speaking import speak

PERSON: Final = "terminal"
"""Who the plugins take the person at the terminal for, unless told another."""
ANSWER_SECONDS: Final = 120.0
Show = Callable[[str], None]


def dev(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Talk until the input ends; the process's exit code."""
    parser = argparse.ArgumentParser(prog="voiceagent-worker dev", description="Talk to an agent in the terminal.")
    parser.add_argument("manifest", type=Path, help="a VoiceAgent, as for kubectl apply")
    parser.add_argument("--caller", default=PERSON, help="who you are to the agent's plugins (default: %(default)s)")
    given = parser.parse_args(arguments)
    redactor = Redactor()
    logs.MainLogs("WARNING", "text", redactor)
    # it logs a traceback for what the terminal is told in a sentence
    logging.getLogger("livekit.agents").setLevel(logging.CRITICAL)
    with suppress(KeyboardInterrupt):
        return asyncio.run(_dev(given.manifest, environment, given.caller, redactor))
    return 0


async def converse(
    manifest: Path,
    environment: Mapping[str, str],
    caller: str,
    redactor: Redactor,
    lines: AsyncIterator[str],
    show: Show,
) -> None:
    """Answer each line by `show`. Raises WorkerError where the agent cannot be made from the start."""
    text = await asyncio.to_thread(read_manifest, manifest)
    talk = await _Talk.open(config_of(text, str(manifest), environment), caller, redactor, (), show)
    try:
        async for line in lines:
            try:
                newer = await asyncio.to_thread(read_manifest, manifest)
                if newer != text:
                    text = newer
                    config = config_of(text, str(manifest), environment)
                    fresh = await _Talk.open(config, caller, redactor, talk.history, show)
                    await talk.close()
                    talk = fresh
                    show("(the manifest changed)")
            except WorkerError as error:
                show(f"({error} The agent stays as it was.)")
            await talk.answer(line)
    finally:
        await talk.close()


@dataclass(slots=True)
class _Talk:
    """A conversation by one version of the manifest."""

    session: AgentSession[None]
    plugins: CallPlugins | None

    @classmethod
    async def open(
        cls, config: AgentConfig, caller: str, redactor: Redactor, history: Sequence[ChatMessage], show: Show
    ) -> "_Talk":
        models = await build_language_model(config, redactor)
        plugins = open_plugins(config, uuid.uuid4().hex, lambda _: None, redactor) if config.plugins else None
        session = create_session(models, None, config.turn_detection, plugins)
        agent = create_agent(config, plugins)
        await _recall(agent, history)
        if plugins is not None:
            await begin(plugins, agent, caller)

        def on_message(event: ConversationItemAddedEvent) -> None:
            if isinstance(event.item, ChatMessage) and event.item.role == "assistant":
                show(event.item.text_content or "")

        def on_error(event: ErrorEvent) -> None:
            if config.providers.llm is not None and not getattr(event.error, "recoverable", False):
                cause = getattr(event.error, "error", None) or RuntimeError("unknown")
                show(f"({failure_sentence('llm', config.providers.llm, cause)})")

        session.on("conversation_item_added", on_message)
        session.on("error", on_error)
        await session.start(agent=agent, record=False)
        if config.greeting and not history:
            await speak(session, config.greeting)
        return cls(session, plugins)

    @property
    def history(self) -> list[ChatMessage]:
        """What both sides said."""
        said = (item for item in self.session.history.items if isinstance(item, ChatMessage))
        return [item for item in said if item.role in ("user", "assistant")]

    async def answer(self, line: str) -> None:
        """Have a line answered, within ANSWER_SECONDS."""
        if self.plugins is not None:
            handle = await typed(self.session, line, self.plugins)
        else:
            handle = self.session.generate_reply(user_input=line)
        if handle is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await handle

    async def close(self) -> None:
        """Let go of the plugins too."""
        await self.session.aclose()
        if self.plugins is not None:
            await self.plugins.end()


async def _recall(agent: Agent, history: Sequence[ChatMessage]) -> None:
    context = agent.chat_ctx.copy()
    for item in history:
        context.add_message(role=item.role, content=item.text_content or "")
    await agent.update_chat_ctx(context)


async def _dev(manifest: Path, environment: Mapping[str, str], caller: str, redactor: Redactor) -> int:
    try:
        async with http_context.open():
            await converse(manifest, environment, caller, redactor, _typed_lines(), print)
    except WorkerError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


async def _typed_lines() -> AsyncIterator[str]:
    """What is typed, until the input ends. A thread of its own, which does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)

    def read() -> None:
        with suppress(RuntimeError):  # the loop is closed
            for line in sys.stdin:
                asyncio.run_coroutine_threadsafe(queue.put(line.strip()), loop).result()
            asyncio.run_coroutine_threadsafe(queue.put(None), loop).result()

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        if line:
            yield line
