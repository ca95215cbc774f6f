"""A call, from the moment that LiveKit hands it to this pod to its end. Runs in a process of its own.

The process may be older than config and credentials, so both are read here, at the start of each call.
"""

import asyncio
import logging
import os
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from livekit import rtc
from livekit.agents import NOT_GIVEN, Agent, AgentSession, CloseEvent, CloseReason, JobContext, JobProcess, tts
from livekit.agents.voice import SpeechHandle
from voiceagent_api.agent_config import AgentConfig
from voiceagent_api.catalogue import ProviderKind

from voiceagent_worker import logs
from voiceagent_worker.apology import Apology, play_out
from voiceagent_worker.channel import SessionChannel
from voiceagent_worker.clips import ClipStore
from voiceagent_worker.config import providers_of, read_accepted
from voiceagent_worker.conversation import create_agent, create_session, report
from voiceagent_worker.credentials import read_control_token
from voiceagent_worker.ending import Ending
from voiceagent_worker.errors import ConfigurationError, SessionStartError, WorkerError, user_sentence
from voiceagent_worker.events import MEASUREMENTS, PluginNews, ProviderNews, Result, SentEvent, SessionStarted
from voiceagent_worker.farewell import DRAINED, TIME, Farewell, say_farewell, withdraw_farewell
from voiceagent_worker.mcp_tools import McpTools
from voiceagent_worker.memory import memory_key
from voiceagent_worker.model_timing import time_models
from voiceagent_worker.own_metrics import OwnMetricsTeller
from voiceagent_worker.plugin_states import read_broken
from voiceagent_worker.plugins.in_room import RoomPlugins
from voiceagent_worker.provider_states import read_dead
from voiceagent_worker.providers import build_models
from voiceagent_worker.providers.availability import Availability
from voiceagent_worker.providers.failures import failure_sentence, kind_of
from voiceagent_worker.providers.tls import warm_tls
from voiceagent_worker.remembering import CallMemory
from voiceagent_worker.run_folder import RunFolder
from voiceagent_worker.said import SaidTeller, tell_said
from voiceagent_worker.sentences import BACK, GIVING_UP, sentence
from voiceagent_worker.speaking import speak
from voiceagent_worker.time_warning import say_warning, warning_seconds
from voiceagent_worker.tracing import flush_traces, set_up_tracing
from voiceagent_worker.turns_by_hand import take_turns_by_hand

logger = logging.getLogger(__name__)

START_SECONDS: Final = 20.0


def prepare_process(process: JobProcess) -> None:
    """Warm a process before it is given a call."""
    from livekit.plugins import silero

    redactor = logs.Redactor()
    logs.configure_call(redactor)
    process.userdata["redactor"] = redactor
    process.userdata["traces"] = set_up_tracing(os.environ)
    process.userdata["vad"] = silero.VAD.load()
    warm_tls()


async def run_call(folder: RunFolder, control_token: Path, context: JobContext) -> None:
    """livekit-agents' entrypoint: returns once the agent talks; the call lasts until the job is shut down."""
    channel = await SessionChannel.connect(folder.socket)
    await Call(folder, control_token, context, channel).start()


class Call:
    """One call's life. It ends once, with one result, and tells so over the channel last of all."""

    def __init__(self, folder: RunFolder, control_token: Path, context: JobContext, channel: SessionChannel) -> None:
        self._folder = folder
        self._control_token = control_token
        self._context = context
        self._channel = channel
        self._id = context.job.id
        self._ending = Ending.of(context)
        self._leaving = False
        self._measuring = True
        self._tasks: set[asyncio.Task[None]] = set()
        self._plugins: RoomPlugins | None = None
        self._tools: McpTools | None = None
        self._own_metrics = OwnMetricsTeller(self._id, self._tell)
        context.log_context_fields = {"session": self._id, "room": context.job.room.name}
        context.add_shutdown_callback(self._finish)

    async def start(self) -> None:
        """Join the room and greet. An error ends the call, and is its result."""
        try:
            await self._start()
        except WorkerError as error:
            logger.error("The session failed: %s", error)
            self._shut_down("error", str(error))
        except Exception as error:
            logger.exception("The session failed")
            self._shut_down("error", user_sentence(error))

    async def _start(self) -> None:
        try:
            loaded = await asyncio.to_thread(read_accepted, self._folder.accepted_config)
        except WorkerError:
            self._tell_started("unknown", transcribed=False)
            raise
        self._tell_started(loaded.revision, transcribed=loaded.config.transcripts_enabled)
        config = loaded.config
        self._measuring = config.metrics_enabled
        logs.set_level(config.log_level)
        userdata = self._context.proc.userdata
        dead = await asyncio.to_thread(read_dead, self._folder.dead_providers)
        models = await build_models(config, userdata["redactor"], userdata["vad"], dead)
        room = self._context.room
        broken = await asyncio.to_thread(read_broken, self._folder.broken_plugins, datetime.now(UTC))
        self._plugins = RoomPlugins.of(config, self._id, room, self._tell, userdata["redactor"], broken)
        self._spawn(self._own_metrics.run(), "own_metrics")
        plugins = self._plugins.call if self._plugins else None
        session = create_session(models, userdata["vad"], config.turn_detection, plugins)
        clips = ClipStore(self._folder.clips, config.providers.tts, config.language)

        def on_close(event: CloseEvent) -> None:
            self._on_close(config, models.availability, clips, event)

        time_models(session, self._id, self._tell)
        report(session, self._id, config, self._tell, on_close, models.availability)
        tell_said(session, SaidTeller(self._id, config.language, config.transcripts_enabled, self._tell))
        apology = Apology(
            session,
            self._context.room,
            clips,
            config.language,
            lambda kind, cause: self._give_up(config, models.availability, kind, cause),
        )
        apology.follow()
        agent = create_agent(config, plugins)
        if config.mcp_servers:
            self._tools = McpTools(config.mcp_servers, self._id, self._tell, userdata["redactor"])
            self._spawn(self._tools.attach(agent), "tools")
        await self._join(session, agent, config)
        if self._plugins is not None:
            await self._plugins.start(session, agent)
            self._spawn(self._plugins.show(), "plugin_attributes")
        greeting = sentence(BACK, config.language) if await self._remember(session, agent) else config.greeting
        greeted: SpeechHandle | None = None
        if greeting:
            # refused where the caller is gone already; then the session's close is what tells the result
            with suppress(RuntimeError):
                greeted = speak(session, greeting)
        self._spawn(withdraw_farewell(self._context.room, self._context.api), "farewell")
        self._spawn(self._end_in_time(session, config), "longest_duration")
        self._spawn(self._obey(session, config, models.availability), "commands")
        if config.turn_detection.mode == "manual":
            take_turns_by_hand(session, self._context.room)
        if models.tts is not None:
            self._spawn(_prepare(clips, models.tts, apology.texts, greeted), "apologies")

    async def _join(self, session: AgentSession[None], agent: Agent, config: AgentConfig) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                await session.start(
                    agent=agent,
                    room=self._context.room,
                    room_options=self._plugins.room_options if self._plugins else NOT_GIVEN,
                    # it would tell anyone in the room the instructions and the history, on request
                    session_host=False,
                    record=False,
                )
        except TimeoutError as error:
            raise SessionStartError(
                f"The agent could not join room {self._context.job.room.name} at {config.livekit_url} "
                f"within {START_SECONDS:.0f} s.",
                SessionStartError.kind_remedy,
            ) from error
        except rtc.ConnectError as error:
            room = self._context.job.room.name
            raise SessionStartError(
                f"The agent could not join room {room} at {config.livekit_url}: {error.message}.",
                SessionStartError.kind_remedy,
            ) from error

    async def _remember(self, session: AgentSession[None], agent: Agent) -> bool:
        """Go on with what was said in this room before, and keep what is said from now; whether anything was."""
        try:
            token = await asyncio.to_thread(read_control_token, self._control_token)
        except ConfigurationError:
            # the main process said so once
            return False
        self._context.proc.userdata["redactor"].add(token)
        memory = CallMemory(self._context.room, self._context.api, memory_key(token))
        recalled = await memory.recall(agent)
        memory.follow(session)
        self._spawn(memory.keep(), "memory")
        return recalled

    async def _end_in_time(self, session: AgentSession[None], config: AgentConfig) -> None:
        warned = warning_seconds(config.max_session_seconds)
        await asyncio.sleep(config.max_session_seconds - warned)
        if warned:
            say_warning(config.language, session)
            await asyncio.sleep(warned)
        logger.info("The session reached its longest duration", extra={"seconds": config.max_session_seconds})
        await self._leave(TIME, session, config)

    async def _obey(self, session: AgentSession[None], config: AgentConfig, availability: Availability) -> None:
        async for command in self._channel.commands():
            if isinstance(command, ProviderNews):
                availability.take_in(command.key, command.available)
                continue
            if isinstance(command, PluginNews):
                if self._plugins is not None:
                    self._plugins.take_in(command)
                continue
            logger.info("The session ends: its pod has to end")
            await self._leave(DRAINED, session, config)

    async def _leave(self, farewell: Farewell, session: AgentSession[None], config: AgentConfig) -> None:
        if self._leaving:
            return
        self._leaving = True
        # settled before the goodbye, so that it is told also where that is cut off
        self._ending.settle(farewell.outcome)
        await say_farewell(farewell, config.language, session, self._context.room, self._context.api)
        self._shut_down(farewell.outcome, None)

    async def _give_up(
        self, config: AgentConfig, availability: Availability, kind: ProviderKind, cause: BaseException
    ) -> None:
        """A provider failed again and again, and the caller was told."""
        why = _failure(config, availability, kind, cause)
        logger.error("The session failed: %s", why)
        self._shut_down("error", why)

    async def _say_last_words(self, clips: ClipStore, language: str, why: str) -> None:
        frames = await asyncio.to_thread(clips.get, sentence(GIVING_UP, language))
        await play_out(self._context.room, frames)
        self._shut_down("error", why)

    def _on_close(self, config: AgentConfig, availability: Availability, clips: ClipStore, event: CloseEvent) -> None:
        """The voice session closed: the caller left, a provider failed for good, or the job is shut down."""
        if event.reason is CloseReason.ERROR:
            kind = kind_of(getattr(event.error, "type", ""))
            if kind == "realtime":
                return  # the apology sees to it
            cause = getattr(event.error, "error", None) or RuntimeError("unknown")
            why = _failure(config, availability, kind, cause) if kind else user_sentence(cause)
            logger.error("The session failed: %s", why)
            self._ending.settle("error", why)
            self._spawn(self._say_last_words(clips, config.language, why), "last_words")
        elif event.reason is CloseReason.PARTICIPANT_DISCONNECTED:
            self._shut_down("user_left", None)

    def _shut_down(self, outcome: Result, error: str | None) -> None:
        self._ending.settle(outcome, error)
        self._context.shutdown(reason=error or "the call is over")

    async def _finish(self) -> None:
        """Called once the room is left, whyever. The last word on the channel."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(self._let_go(), flush_traces(self._context.proc.userdata["traces"]))
        self._own_metrics.tell()
        # the end is now, also where the reason for it was settled a goodbye ago
        self._channel.send(self._ending.told(self._id, datetime.now(UTC)))
        await self._channel.close()

    async def _let_go(self) -> None:
        """Of plugins and tool servers, at once; each has a deadline of its own."""
        parts = [part.close() for part in (self._plugins, self._tools) if part is not None]
        for error in await asyncio.gather(*parts, return_exceptions=True):
            if isinstance(error, Exception):
                logger.warning("Something could not be let go of at the call's end: %s", type(error).__name__)

    def _tell(self, event: SentEvent) -> None:
        if self._measuring or not isinstance(event, MEASUREMENTS):
            self._channel.send(event)

    def _tell_started(self, revision: str, *, transcribed: bool) -> None:
        self._channel.send(
            SessionStarted(
                session=self._id,
                room=self._context.job.room.name,
                at=datetime.now(UTC),
                config_revision=revision,
                transcribed=transcribed,
            )
        )

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _prepare(clips: ClipStore, voice: tts.TTS[Any], texts: list[str], greeted: SpeechHandle | None) -> None:
    """Have apologies spoken once the greeting is: what the caller waits for comes first."""
    if greeted is not None:
        await greeted
    await clips.prepare(voice, texts)


def _failure(config: AgentConfig, availability: Availability, kind: ProviderKind, cause: BaseException) -> str:
    """Why a session ended by a provider's failure: of each that could have served."""
    reasons = availability.reasons(kind)
    return " ".join(reasons) if reasons else failure_sentence(kind, providers_of(config)[kind], cause)
