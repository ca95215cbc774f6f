"""The voice session and what it tells."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from livekit.agents import AgentSession, CloseEvent, CloseReason, ConversationItemAddedEvent, ErrorEvent
from livekit.agents import SessionUsageUpdatedEvent as UsageUpdated
from livekit.agents.llm import ChatMessage, LLMError
from livekit.agents.metrics import AgentSessionUsage, LLMModelUsage, STTModelUsage, TTSModelUsage
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, ProvidersConfig
from voiceagent_api.conversation import Endpointing, Interruption, TurnDetection
from voiceagent_worker.conversation import create_session, report, turn_handling
from voiceagent_worker.events import ProviderFailed, SentEvent, TurnCompleted, UsageReported
from voiceagent_worker.providers import Models
from voiceagent_worker.providers.openai import build_llm, build_stt, build_tts
from voiceagent_worker.usage import usage_by_model

PROVIDER = ProviderConfig(provider="openai", model="m", base_url="http://127.0.0.1:9/v1")
CONFIG = AgentConfig(
    namespace="default",
    name="receptionist",
    agent_name="default-receptionist",
    livekit_url="ws://livekit:7880",
    instructions="You answer the phone.",
    providers=ProvidersConfig(stt=PROVIDER, llm=PROVIDER, tts=PROVIDER),
)


@pytest.fixture
async def session() -> AsyncIterator[AgentSession[None]]:
    from livekit.plugins import silero

    models = Models(
        stt=build_stt(PROVIDER, "en", "sk"), llm=build_llm(PROVIDER, "en", "sk"), tts=build_tts(PROVIDER, "en", "sk")
    )
    yield create_session(models, silero.VAD.load(), TurnDetection())
    await models.llm.aclose()  # it warms its connection as soon as it is in a session


@pytest.fixture
def told(session: AgentSession[None]) -> list[Any]:
    events: list[SentEvent | CloseEvent] = []
    report(session, "AJ_1", CONFIG, events.append, events.append)
    return events


async def test_turns_are_taken_by_voice_detection_and_no_model_of_livekits_cloud(session: AgentSession[None]) -> None:
    assert session.turn_detection == "vad"
    assert session.interruption_detection == "vad"
    assert session.vad is not None


def test_turns_are_taken_as_the_spec_says() -> None:
    turns = TurnDetection(
        mode="stt",
        endpointing=Endpointing(min_delay_milliseconds=250, max_delay_milliseconds=4000),
        interruption=Interruption(enabled=False),
    )
    assert turn_handling(turns) == {
        "turn_detection": "stt",
        "endpointing": {"min_delay": 0.25, "max_delay": 4.0},
        "interruption": {"mode": "vad", "enabled": False},
    }


async def test_messages_become_turns(session: AgentSession[None], told: list[Any]) -> None:
    for role, metrics in (("user", {"transcription_delay": 0.2}), ("assistant", {"e2e_latency": 1.0})):
        message = ChatMessage(role=role, content=["words"], metrics=metrics)  # type: ignore[arg-type]
        session.emit("conversation_item_added", ConversationItemAddedEvent(item=message))
    (turn,) = told
    assert isinstance(turn, TurnCompleted)
    assert (turn.session, turn.turn.stt_milliseconds, turn.turn.e2e_milliseconds) == ("AJ_1", 200, 1000)


async def test_usage_is_summed_over_models(session: AgentSession[None], told: list[Any]) -> None:
    usage = AgentSessionUsage(
        model_usage=[
            LLMModelUsage(provider="a", model="x", input_tokens=10, output_tokens=3),
            LLMModelUsage(provider="b", model="y", input_tokens=1, output_tokens=1),
            TTSModelUsage(provider="a", model="t", characters_count=42),
            STTModelUsage(provider="a", model="s", audio_duration=2.5),
        ]
    )
    session.emit("session_usage_updated", UsageUpdated(usage=usage))
    assert told == [
        UsageReported(
            session="AJ_1",
            llm_prompt_tokens=11,
            llm_completion_tokens=4,
            tts_characters=42,
            stt_audio_seconds=2.5,
            models=usage_by_model(CONFIG, usage.model_usage),
        )
    ]


async def test_errors_of_providers_are_told_and_others_are_not(session: AgentSession[None], told: list[Any]) -> None:
    error = LLMError(timestamp=0.0, label="llm", error=ValueError("x"), recoverable=True)
    session.emit("error", ErrorEvent(error=error, source=session.llm))
    session.emit("error", ErrorEvent(error=ValueError("else"), source=None))
    assert told == [ProviderFailed(session="AJ_1", kind="llm", provider="openai")]


async def test_close_is_handed_on(session: AgentSession[None], told: list[Any]) -> None:
    session.emit("close", CloseEvent(reason=CloseReason.PARTICIPANT_DISCONNECTED))
    assert [event.reason for event in told] == [CloseReason.PARTICIPANT_DISCONNECTED]
