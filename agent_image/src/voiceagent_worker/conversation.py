"""The voice pipeline of one call, and what it tells of itself."""

import functools
from collections.abc import Callable
from typing import Final

from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    Agent,
    AgentSession,
    APIConnectOptions,
    CloseEvent,
    ConversationItemAddedEvent,
    ErrorEvent,
    SessionUsageUpdatedEvent,
    TurnHandlingOptions,
    UserInputTranscribedEvent,
    inference,
    llm,
    vad,
)
from livekit.agents.llm import ChatMessage
from livekit.agents.metrics import LLMModelUsage, STTModelUsage, TTSModelUsage
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.turn import TurnDetectionMode
from voiceagent_api.agent_config import AgentConfig
from voiceagent_api.catalogue import ProviderKind
from voiceagent_api.conversation import TurnDetection

from voiceagent_worker.errors import AgentCreationError, ConfigurationError, SessionCreationError, WorkerError
from voiceagent_worker.events import ProviderFailed, SentEvent, TurnCompleted, UsageReported
from voiceagent_worker.plugins.call import CallPlugins
from voiceagent_worker.plugins.speech import PluginAgent, PluginSession
from voiceagent_worker.plugins.whole_sentences import prompt_speech
from voiceagent_worker.providers import Models
from voiceagent_worker.providers.availability import Availability
from voiceagent_worker.providers.failures import kind_of
from voiceagent_worker.providers.unheard import tell_listeners
from voiceagent_worker.turns import TurnTracker
from voiceagent_worker.usage import usage_by_model

REALTIME_HEARS_ALONE: Final = (
    "spec.turnDetection.mode stt needs a speech-to-text provider, which a realtime model takes the place of."
)
BACKSTOP: Final = 20
"""Failures in a row after which livekit-agents ends a session by itself; Apology does before that, with a word."""


def create_agent(config: AgentConfig, plugins: CallPlugins | None = None) -> Agent:
    """Who talks. Raises AgentCreationError."""
    try:
        if plugins is not None:
            return PluginAgent(instructions=config.instructions, plugins=plugins)
        return Agent(instructions=config.instructions)
    except Exception as error:
        raise AgentCreationError(
            f"The agent could not be made: {_ended(error)}", AgentCreationError.kind_remedy
        ) from error


def create_session(
    models: Models, voice_detection: vad.VAD | None, turns: TurnDetection, plugins: CallPlugins | None = None
) -> AgentSession[None]:
    """How it talks, and who speaks when. Raises ConfigurationError or SessionCreationError."""
    realtime = isinstance(models.llm, llm.RealtimeModel)
    make: Callable[..., AgentSession[None]] = AgentSession
    if plugins is not None:
        make = functools.partial(PluginSession, plugins=plugins)
    try:
        return make(
            stt=models.stt or NOT_GIVEN,
            llm=models.llm,
            tts=(models.tts if plugins is None else prompt_speech(models.tts)) or NOT_GIVEN,
            # a speech-to-text that cannot stream is fed by this too, a stretch of speech at a time
            vad=voice_detection,
            turn_handling=turn_handling(turns, realtime, preemptive=plugins is None),
            conn_options=connect_options(models),
            userdata=NOT_GIVEN,
        )
    except WorkerError:
        raise
    except Exception as error:
        raise SessionCreationError(
            f"The voice session could not be made: {_ended(error)}", SessionCreationError.kind_remedy
        ) from error


def connect_options(models: Models) -> SessionConnectOptions:
    """How often a model is asked again: one with fallbacks never, for they are its second try."""

    def of(kind: ProviderKind) -> APIConnectOptions:
        return APIConnectOptions(max_retry=0) if kind in models.retried_within else DEFAULT_API_CONNECT_OPTIONS

    return SessionConnectOptions(
        stt_conn_options=of("stt"),
        llm_conn_options=of("llm"),
        tts_conn_options=of("tts"),
        max_unrecoverable_errors=BACKSTOP,
    )


def turn_handling(turns: TurnDetection, realtime: bool = False, *, preemptive: bool = True) -> TurnHandlingOptions:
    """How the end of the caller's turn is found; never by a model of LiveKit's cloud.

    A realtime model finds it by its own voice detection, unless somebody else is to. Unless
    `preemptive`, no answer is begun before the turn has ended: a plugin may still change the words.
    """
    delays = turns.endpointing
    options = TurnHandlingOptions(
        turn_detection=_turn_detection(turns, realtime),
        endpointing={
            "min_delay": delays.min_delay_milliseconds / 1000,
            "max_delay": delays.max_delay_milliseconds / 1000,
        },
        interruption={"mode": "vad", "enabled": turns.interruption.enabled},
    )
    if not preemptive:
        options["preemptive_generation"] = {"enabled": False}
    return options


def _turn_detection(turns: TurnDetection, realtime: bool) -> TurnDetectionMode:
    match turns.mode:
        case "stt" if realtime:
            raise ConfigurationError(REALTIME_HEARS_ALONE, "Set it to vad, model or manual.")
        case "stt" | "manual":
            return turns.mode
        case "model":
            # ships in livekit-local-inference; some 240 MB, which only this mode loads
            return inference.TurnDetector(version="v1-mini")
        case "vad":
            # a model's own voice detection cannot be kept from interrupting
            return "realtime_llm" if realtime and turns.interruption.enabled else "vad"


def report(
    session: AgentSession[None],
    session_id: str,
    config: AgentConfig,
    send: Callable[[SentEvent], None],
    on_close: Callable[[CloseEvent], None],
    availability: Availability,
) -> None:
    """Tell of turns, usage and failures by `send` as they happen, and of the session's end by `on_close`."""
    turns = TurnTracker()

    def on_message(event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, ChatMessage):
            if item.role == "assistant":
                availability.worked("realtime", session_id, send)
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
        # the other kinds tell by themselves, fallbacks too
        if kind_of(getattr(event.error, "type", "")) == "realtime" and config.providers.realtime is not None:
            provider = config.providers.realtime.provider
            send(ProviderFailed(session=session_id, kind="realtime", provider=provider))
            if not event.error.recoverable:
                availability.failed("realtime", event.error.error, session_id, send)

    def on_transcript(event: UserInputTranscribedEvent) -> None:
        if event.transcript:
            availability.worked("stt", session_id, send)

    session.on("conversation_item_added", on_message)
    session.on("session_usage_updated", on_usage)
    session.on("error", on_error)
    session.on("user_input_transcribed", on_transcript)
    availability.report(session_id, send)
    tell_listeners(session, (watched.model for watched in availability.models))
    session.on("close", on_close)


def _ended(error: Exception) -> str:
    """Somebody else's words as a sentence."""
    return f"{str(error).rstrip('.') or type(error).__name__}."
