"""Providers of models that hear, think and speak by themselves."""

from voiceagent_api.providers.entries import ProviderEntry, number, text
from voiceagent_api.providers.shared import OPENAI_CHECK, OPENAI_KEY, WORKER

REALTIME: tuple[ProviderEntry, ...] = (
    ProviderEntry(
        name="openai",
        kind="realtime",
        credentials=OPENAI_KEY,
        default_model="gpt-realtime",
        default_voice="marin",
        models=("gpt-realtime", "gpt-realtime-mini"),
        factory=f"{WORKER}.openai:build_realtime",
        options=(
            number("speed", "How fast it speaks; 1 is its own pace.", 0.25, 1.5),
            text("input_audio_noise_reduction", "What is done to the caller's sound.", "near_field", "far_field"),
            text("tool_choice", "Whether tools are called.", "auto", "required", "none"),
            number("max_session_duration", "Connect anew after this many seconds.", 60),
        ),
        check=OPENAI_CHECK,
        base_url="Root of the API, ends in /v1.",
    ),
)
