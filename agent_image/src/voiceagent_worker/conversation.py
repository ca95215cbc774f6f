"""The voice pipeline of one call, and what it tells of itself."""

import functools
from collections.abc import Callable

from livekit.agents import (
    NOT_GIVEN,
    Agent,
    AgentSession,
    CloseEvent,
    ConversationItemAddedEvent,
    ErrorEvent,
    SessionUsageUpdatedEvent,
    TurnHandlingOptions,
    vad,
)
from livekit.agents.llm import ChatMessage
from livekit.agents.metrics import LLMModelUsage, STTModelUsage, TTSModelUsage
from voiceagent_api.agent_config import AgentConfig
from voiceagent_api.conversation import TurnDetection

from voiceagent_worker.errors import AgentCreationError, SessionCreationError
from voiceagent_worker.events import ProviderFailed, SentEvent, TurnCompleted, UsageReported
from voiceagent_worker.plugins.call import CallPlugins
from voiceagent_worker.plugins.speech import PluginAgent, PluginSession
from voiceagent_worker.providers import Models
from voiceagent_worker.providers.failures import kind_of
from voiceagent_worker.turns import TurnTracker
from voiceagent_worker.usage import usage_by_model


def create_agent(config: AgentConfig, plugins: CallPlugins | None = None) -> Agent:
    """Who talks. Raises AgentCreationError."""
    try:
        if plugins is not None:
            return PluginAgent(instructions=config.instructions, plugins=plugins)
        return Agent(instructions=config.instructions)
    except Exception as error:
        raise AgentCreationError(f"The agent could not be made: {error}") from error


def create_session(
    models: Models, voice_detection: vad.VAD, turns: TurnDetection, plugins: CallPlugins | None = None
) -> AgentSession[None]:
    """How it talks, and who speaks when. Raises SessionCreationError."""
    make: Callable[..., AgentSession[None]] = AgentSession
    if plugins is not None:
        make = functools.partial(PluginSession, plugins=plugins)
    try:
        return make(
            stt=models.stt,
            llm=models.llm,
            tts=models.tts,
            # a speech-to-text that cannot stream is fed by this too, a stretch of speech at a time
            vad=voice_detection,
            turn_handling=turn_handling(turns, preemptive=plugins is None),
            userdata=NOT_GIVEN,
        )
    except Exception as error:
        raise SessionCreationError(f"The voice session could not be made: {error}") from error


def turn_handling(turns: TurnDetection, *, preemptive: bool = True) -> TurnHandlingOptions:
    """How the end of the caller's turn is found; never by a model of LiveKit's cloud.

    Unless `preemptive`, no answer is begun before the turn has ended: a plugin may still change the words.
    """
    delays = turns.endpointing
    options = TurnHandlingOptions(
        turn_detection="stt" if turns.mode == "stt" else "vad",
        endpointing={
            "min_delay": delays.min_delay_milliseconds / 1000,
            "max_delay": delays.max_delay_milliseconds / 1000,
        },
        interruption={"mode": "vad", "enabled": turns.interruption.enabled},
    )
    if not preemptive:
        options["preemptive_generation"] = {"enabled": False}
    return options


def report(
    session: AgentSession[None],
    session_id: str,
    config: AgentConfig,
    send: Callable[[SentEvent], None],
    on_close: Callable[[CloseEvent], None],
) -> None:
    """Tell of turns, usage and failures by `send` as they happen, and of the session's end by `on_close`."""
    turns = TurnTracker()

    def on_message(event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, ChatMessage):
            turn = turns.add(item.role, {**item.metrics}, item.created_at)
            if turn is not None:
                send(TurnCompleted(session=session_id, turn=turn))

    def on_usage(event: SessionUsageUpdatedEvent) -> None:
        used = event.usage.model_usage
        send(
            UsageReported(
                session=session_id,
                llm_prompt_tokens=sum(u.input_tokens for u in used if isinstance(u, LLMModelUsage)),
                llm_completion_tokens=sum(u.output_tokens for u in used if isinstance(u, LLMModelUsage)),
                tts_characters=sum(u.characters_count for u in used if isinstance(u, TTSModelUsage)),
                stt_audio_seconds=sum(u.audio_duration for u in used if isinstance(u, STTModelUsage)),
                models=usage_by_model(config, used),
            )
        )

    def on_error(event: ErrorEvent) -> None:
        kind = kind_of(getattr(event.error, "type", ""))
        if kind is not None:
            provider = getattr(config.providers, kind).provider
            send(ProviderFailed(session=session_id, kind=kind, provider=provider))

    session.on("conversation_item_added", on_message)
    session.on("session_usage_updated", on_usage)
    session.on("error", on_error)
    session.on("close", on_close)
