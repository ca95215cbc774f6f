"""Puts a call's plugins into livekit-agents' pipeline.

The caller's words are processed where they enter it: spoken ones in `stt_node`, so that the transcript in the room,
the history and the language model get the same; typed ones in `typed`. Whatever else brings words of a user to the
language model meets the plugins in `llm_node`. The agent's words are processed in `llm_node` and in `say`, a sentence
at a time, before speech, transcript and history part ways.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from dataclasses import replace
from typing import Any, Final

from livekit import rtc
from livekit.agents import NOT_GIVEN, Agent, AgentSession, FlushSentinel, ModelSettings, NotGivenOr, StopResponse, stt
from livekit.agents.llm import ChatChunk, ChatContext, ChatMessage, Tool
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.room_io import TextInputEvent

from voiceagent_worker.plugins.call import CallPlugins
from voiceagent_worker.plugins.sentences import SentenceBuffer

WITHHELD: Final = "[…]"
"""Stands for words that a plugin with the policy Fail could not process."""
_SPOKEN: Final = frozenset({stt.SpeechEventType.INTERIM_TRANSCRIPT, stt.SpeechEventType.PREFLIGHT_TRANSCRIPT})

Chunk = ChatChunk | str | FlushSentinel


class PluginAgent(Agent):
    """An agent whose words and whose caller's words pass through plugins."""

    def __init__(self, *, instructions: str, plugins: CallPlugins) -> None:
        super().__init__(instructions=instructions)
        self._plugins = plugins

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncGenerator[stt.SpeechEvent, None]:
        """What the caller said, after the plugins."""
        async for event in Agent.default.stt_node(self, audio, model_settings):
            yield await self._heard(event)

    async def on_user_turn_completed(self, turn_ctx: ChatContext, new_message: ChatMessage) -> None:
        """The caller's turn ended; its words are those of `stt_node`."""
        self._plugins.turn_ended(new_message.id)
        if WITHHELD in (new_message.raw_text_content or ""):
            _say_unprocessed(self.session, self._plugins.apology)
            raise StopResponse

    async def llm_node(
        self, chat_ctx: ChatContext, tools: list[Tool], model_settings: ModelSettings
    ) -> AsyncGenerator[Chunk, None]:
        """What the agent says, after the plugins; tool calls and all else as they are."""
        if not await self._process_last_user_message(chat_ctx):
            yield self._plugins.apology
            return
        stream = Agent.default.llm_node(self, chat_ctx, tools, model_settings)
        try:
            async for chunk in processed_stream(stream, self._plugins):
                yield chunk
        finally:
            await stream.aclose()

    async def _heard(self, event: stt.SpeechEvent) -> stt.SpeechEvent:
        if not event.alternatives or not event.alternatives[0].text:
            return event
        first = event.alternatives[0]
        if event.type in _SPOKEN:
            text = self._plugins.live(first.text)
        elif event.type == stt.SpeechEventType.FINAL_TRANSCRIPT:
            processed = await self._plugins.from_user(first.text)
            text = WITHHELD if processed.failed else processed.text
        else:
            return event
        if text == first.text:
            return event
        # other readings of the same words would tell what a plugin took out
        return replace(
            event, alternatives=[replace(first, text=text, words=None, source_texts=None, target_texts=None)]
        )

    async def _process_last_user_message(self, chat_ctx: ChatContext) -> bool:
        """Words that came another way, such as those of `AgentSession.run`; whether an answer may be made."""
        last = next((item for item in reversed(chat_ctx.items) if isinstance(item, ChatMessage)), None)
        if last is None or last.role != "user" or self._plugins.has_seen(last.id):
            return True
        text = last.raw_text_content
        if not text:
            return True
        processed = await self._plugins.from_user(text)
        self._plugins.turn_ended(last.id)
        kept = [part for part in last.content if not isinstance(part, str)]
        # in place: the history holds the same message
        last.content = [WITHHELD if processed.failed else processed.text, *kept]
        return processed.failed is None


class PluginSession(AgentSession[None]):
    """A session whose `say` passes through plugins too."""

    def __init__(self, *, plugins: CallPlugins, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._plugins = plugins

    def say(
        self,
        text: str | AsyncIterable[str],
        *,
        audio: NotGivenOr[AsyncIterable[rtc.AudioFrame]] = NOT_GIVEN,
        allow_interruptions: NotGivenOr[bool] = NOT_GIVEN,
        add_to_chat_ctx: bool = True,
    ) -> SpeechHandle:
        """Say a text after the plugins."""
        return super().say(
            processed_text(text, self._plugins),
            audio=audio,
            allow_interruptions=allow_interruptions,
            add_to_chat_ctx=add_to_chat_ctx,
        )

    def say_unprocessed(self, text: str) -> SpeechHandle:
        """Say a text as it is."""
        return super().say(text)


def text_input(plugins: CallPlugins) -> Callable[[AgentSession[Any], TextInputEvent], Any]:
    """What a room's typed messages are handed to."""

    async def on_text(session: AgentSession[Any], event: TextInputEvent) -> None:
        await typed(session, event.text, plugins)

    return on_text


async def typed(session: AgentSession[Any], text: str, plugins: CallPlugins) -> SpeechHandle | None:
    """Answer what the caller typed; None where nothing was left of it. Also the way in for a terminal."""
    async with plugins.typing:
        processed = await plugins.from_user(text)
        if processed.failed is None and not processed.text.strip():
            return None
        await session.interrupt()
        message = ChatMessage(role="user", content=[processed.text])
        plugins.turn_ended(message.id)
        if processed.failed is not None:
            return _say_unprocessed(session, plugins.apology)
        return session.generate_reply(user_input=message)


async def processed_stream(stream: AsyncIterable[Chunk], plugins: CallPlugins) -> AsyncGenerator[Chunk, None]:
    """A language model's answer, its text after the plugins, a sentence at a time, and the rest as it is."""
    sentences = SentenceBuffer()
    async for chunk in stream:
        text = chunk if isinstance(chunk, str) else None
        rest: Chunk | None = None
        if isinstance(chunk, ChatChunk):
            text = chunk.delta.content if chunk.delta is not None else None
            rest = _without_text(chunk) if text else chunk
        elif not isinstance(chunk, str):
            rest = chunk
        whole = sentences.push(text) if text else []
        if _breaks_text(rest) and (left := sentences.flush()):
            whole.append(left)
        for sentence in whole:
            processed = await _sentence(sentence, plugins)
            if processed is None:
                yield plugins.apology
                return
            if processed:
                yield processed
        if rest is not None:
            yield rest
    if left := sentences.flush():
        processed = await _sentence(left, plugins)
        if processed != "":
            yield plugins.apology if processed is None else processed


async def processed_text(text: str | AsyncIterable[str], plugins: CallPlugins) -> AsyncGenerator[str, None]:
    """A text that is to be said, after the plugins."""

    async def pieces() -> AsyncGenerator[Chunk, None]:
        if isinstance(text, str):
            yield text
            return
        async for piece in text:
            yield piece

    async for chunk in processed_stream(pieces(), plugins):
        if isinstance(chunk, str):
            yield chunk


async def _sentence(sentence: str, plugins: CallPlugins) -> str | None:
    """A sentence after the plugins, with the space around it; None if it must not be said."""
    core = sentence.strip()
    if not core:
        return sentence
    processed = await plugins.from_agent(core)
    if processed.failed is not None:
        return None
    if processed.text == core:
        return sentence
    start = sentence.index(core)
    return sentence[:start] + processed.text + sentence[start + len(core) :] if processed.text else ""


def _without_text(chunk: ChatChunk) -> ChatChunk | None:
    """What else a chunk holds, if anything."""
    delta = chunk.delta
    if delta is None or not (delta.tool_calls or delta.extra or chunk.usage):
        return None
    return chunk.model_copy(update={"delta": delta.model_copy(update={"content": None})})


def _breaks_text(chunk: Chunk | None) -> bool:
    """Whether what was said so far must be out before this."""
    if isinstance(chunk, FlushSentinel):
        return True
    return isinstance(chunk, ChatChunk) and chunk.delta is not None and bool(chunk.delta.tool_calls)


def _say_unprocessed(session: AgentSession[Any], text: str) -> SpeechHandle:
    return session.say_unprocessed(text) if isinstance(session, PluginSession) else session.say(text)
