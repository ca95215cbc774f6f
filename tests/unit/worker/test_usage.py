"""Usage by provider and model, and the numbers in the original's shape."""

from datetime import UTC, datetime, timedelta

from livekit.agents.metrics import LLMModelUsage, STTModelUsage, TTSModelUsage
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, ProvidersConfig
from voiceagent_api.worker_status import ModelUsage, SessionRecord, TurnRecord
from voiceagent_worker.original_shape import original_shape
from voiceagent_worker.usage import MAX_MODELS, merged_usage, usage_by_model

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CONFIG = AgentConfig(
    namespace="default",
    name="receptionist",
    agent_name="default-receptionist",
    livekit_url="ws://livekit:7880",
    instructions="You answer the phone.",
    providers=ProvidersConfig(
        stt=ProviderConfig(provider="deepgram", model="nova-3"),
        llm=ProviderConfig(
            provider="openai", model="gpt-5", fallbacks=[ProviderConfig(provider="anthropic", model="claude")]
        ),
        tts=ProviderConfig(provider="deepgram", model="aura-2", voice="aura-2-thalia-en"),
    ),
)


def test_providers_are_named_as_the_spec_does_whatever_the_plugin_calls_them() -> None:
    used = [
        LLMModelUsage(provider="api.openai.com", model="gpt-5", input_tokens=10, output_tokens=3),
        LLMModelUsage(provider="Anthropic", model="claude", input_tokens=7),
        STTModelUsage(provider="Deepgram", model="nova-3", audio_duration=2.5),
        TTSModelUsage(provider="Deepgram", model="aura-2-thalia-en", characters_count=40, audio_duration=3.0),
    ]
    assert usage_by_model(CONFIG, used) == [
        ModelUsage(provider="openai", model="gpt-5", llm_prompt_tokens=10, llm_completion_tokens=3),
        ModelUsage(provider="anthropic", model="claude", llm_prompt_tokens=7),
        ModelUsage(provider="deepgram", model="nova-3", stt_audio_seconds=2.5),
        ModelUsage(provider="deepgram", model="aura-2", tts_characters=40, tts_audio_seconds=3.0),
    ]


def test_what_two_names_of_one_model_used_is_added_within_a_report_and_never_between_reports() -> None:
    used = [
        TTSModelUsage(provider="Deepgram", model="aura-2-thalia-en", characters_count=40, audio_duration=3.0),
        TTSModelUsage(provider="Deepgram", model="aura-2-luna-en", characters_count=2, audio_duration=0.5),
    ]
    both = ModelUsage(provider="deepgram", model="aura-2", tts_characters=42, tts_audio_seconds=3.5)
    assert usage_by_model(CONFIG, used) == [both]
    assert merged_usage([both], usage_by_model(CONFIG, used)) == [both]
    assert merged_usage([both], usage_by_model(CONFIG, used[:1])) == [both]


def test_number_of_models_of_a_call_is_bounded() -> None:
    many = [ModelUsage(provider="openai", model=str(number)) for number in range(MAX_MODELS + 5)]
    assert len(merged_usage((), many)) == MAX_MODELS


def test_numbers_in_the_originals_shape() -> None:
    turns = [TurnRecord(at=NOON, stt_milliseconds=100, llm_ttft_milliseconds=800), TurnRecord(at=NOON)]
    record = SessionRecord(id="a", room="lobby", started_at=NOON, config_revision="r", turns=turns)
    over = record.model_copy(update={"id": "b", "ended_at": NOON, "outcome": "user_left"})
    assert original_shape([record, over], NOON + timedelta(seconds=90)) == {
        "sessions": {
            "active_count": 1,
            "sessions": [
                {
                    "session_id": "a",
                    "room": "lobby",
                    "start_time": "2026-01-01T12:00:00.000Z",
                    "duration": 90.0,
                    "turns": 2,
                }
            ],
        },
        "performance": {
            "avg_stt_latency": 100.0,
            "avg_llm_latency": 800.0,
            "avg_tts_latency": None,
            "avg_e2e_latency": None,
        },
        "timestamp": "2026-01-01T12:01:30.000Z",
    }
