"""The voice session and what it tells."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import (
    AgentSession,
    APIStatusError,
    CloseEvent,
    CloseReason,
    ConversationItemAddedEvent,
    ErrorEvent,
    inference,
)
from livekit.agents import SessionUsageUpdatedEvent as UsageUpdated
from livekit.agents.llm import ChatMessage, LLMError, RealtimeModel
from livekit.agents.metrics import AgentSessionUsage, LLMModelUsage, STTModelUsage, TTSModelUsage
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, ProvidersConfig
from voiceagent_api.conversation import Endpointing, Interruption, TurnDetection
from voiceagent_worker.conversation import connect_options, create_session, report, turn_handling
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.events import ProviderAvailability, ProviderFailed, SentEvent, TurnCompleted, UsageReported
from voiceagent_worker.logs import Redactor
from voiceagent_worker.providers import Models, build_models
from voiceagent_worker.providers.availability import Availability, Watched
from voiceagent_worker.providers.keys import ProviderCredentials
from voiceagent_worker.providers.openai import build_llm, build_stt, build_tts
from voiceagent_worker.usage import usage_by_model

KEYS = ProviderCredentials("sk")
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
        stt=build_stt(PROVIDER, "en", KEYS), llm=build_llm(PROVIDER, "en", KEYS), tts=build_tts(PROVIDER, "en", KEYS)
    )
    yield create_session(models, silero.VAD.load(), TurnDetection())
    await models.llm.aclose()  # it warms its connection as soon as it is in a session


@pytest.fixture
def told(session: AgentSession[None]) -> list[Any]:
    events: list[SentEvent | CloseEvent] = []
    availability = Availability([Watched("llm", PROVIDER, session.llm)])
    report(session, "AJ_1", CONFIG, events.append, events.append, availability)
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
    assert session.llm is not None
    error = LLMError(timestamp=0.0, label="llm", error=ValueError("x"), recoverable=True)
    session.llm.emit("error", error)
    session.emit("error", ErrorEvent(error=error, source=session.llm))
    session.emit("error", ErrorEvent(error=ValueError("else"), source=None))
    assert told == [ProviderFailed(session="AJ_1", kind="llm", provider="openai")]


async def test_a_failure_for_good_and_the_next_success_change_what_is_known(
    session: AgentSession[None], told: list[Any]
) -> None:
    assert session.llm is not None
    refused = APIStatusError("no", status_code=401)
    for _ in range(2):
        session.llm.emit("error", LLMError(timestamp=0.0, label="llm", error=refused, recoverable=False))
    session.llm.emit("metrics_collected", None)
    session.llm.emit("metrics_collected", None)
    changes = [event for event in told if isinstance(event, ProviderAvailability)]
    assert [(change.available, change.key) for change in changes] == [
        (False, "llm openai m http://127.0.0.1:9/v1"),
        (True, "llm openai m http://127.0.0.1:9/v1"),
    ]
    assert "refused the credential" in changes[0].message


@pytest.mark.parametrize(
    ("mode", "interruption", "realtime", "expected"),
    [
        ("vad", True, False, "vad"),
        ("vad", True, True, "realtime_llm"),
        ("vad", False, True, "vad"),
        ("stt", True, False, "stt"),
        ("manual", True, False, "manual"),
        ("manual", True, True, "manual"),
    ],
)
def test_who_finds_the_end_of_a_turn(mode: Any, interruption: bool, realtime: bool, expected: str) -> None:
    turns = TurnDetection(mode=mode, interruption=Interruption(enabled=interruption))
    assert turn_handling(turns, realtime).get("turn_detection") == expected


def test_the_model_of_turns_is_the_local_one() -> None:
    detector = turn_handling(TurnDetection(mode="model")).get("turn_detection")
    assert isinstance(detector, inference.TurnDetector) and detector.model == "turn-detector-v1-mini"


def test_a_realtime_model_hears_by_itself() -> None:
    with pytest.raises(ConfigurationError) as error:
        turn_handling(TurnDetection(mode="stt"), realtime=True)
    assert "Set it to vad, model or manual" in str(error.value)


async def test_a_realtime_model_takes_the_place_of_the_three(tmp_path: Path) -> None:
    from livekit.plugins import silero

    (tmp_path / "key").write_text("sk-realtime")
    realtime = ProviderConfig(provider="openai", model="gpt-realtime", credentials_path=str(tmp_path / "key"))
    config = CONFIG.model_copy(update={"providers": ProvidersConfig(realtime=realtime)})
    models = await build_models(config, Redactor())
    made = create_session(models, silero.VAD.load(), TurnDetection())
    assert isinstance(made.llm, RealtimeModel) and (made.stt, made.tts) == (None, None)
    assert made.turn_detection == "realtime_llm"


async def test_a_model_with_fallbacks_is_asked_once(session: AgentSession[None]) -> None:
    assert session.conn_options.llm_conn_options.max_retry == 3
    model: Any = object()
    joined = Availability([Watched("llm", PROVIDER, model, adapter=model)])
    options = connect_options(Models(llm=model, availability=joined))
    assert (options.llm_conn_options.max_retry, options.tts_conn_options.max_retry) == (0, 3)


async def test_close_is_handed_on(session: AgentSession[None], told: list[Any]) -> None:
    session.emit("close", CloseEvent(reason=CloseReason.PARTICIPANT_DISCONNECTED))
    assert [event.reason for event in told] == [CloseReason.PARTICIPANT_DISCONNECTED]
