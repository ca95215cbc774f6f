"""Models that their providers no longer serve, or give to nobody new, and what each says to use in their place."""

from collections.abc import Mapping
from typing import Final

from voiceagent_api.providers.entries import ProviderKind

_SONNET: Final = "claude-sonnet-4-6"

RETIRED_MODELS: Final[Mapping[tuple[ProviderKind, str], Mapping[str, str]]] = {
    ("llm", "anthropic"): {
        "claude-2.0": _SONNET,
        "claude-2.1": _SONNET,
        "claude-3-sonnet": _SONNET,
        "claude-3-sonnet-20240229": _SONNET,
        "claude-3-opus-20240229": "claude-opus-4-6",
        "claude-3-5-sonnet-20240620": _SONNET,
        "claude-3-5-sonnet-20241022": _SONNET,
    },
    ("llm", "cohere"): {
        "command": "command-a-03-2025",
        "command-light": "command-a-03-2025",
        "command-r": "command-r-08-2024",
        "command-r-03-2024": "command-r-08-2024",
        "command-r-plus": "command-r-plus-08-2024",
        "command-r-plus-04-2024": "command-r-plus-08-2024",
    },
    ("llm", "google"): {
        "gemini-pro": "gemini-2.5-flash",
        "gemini-1.5-flash": "gemini-2.5-flash",
        "gemini-1.5-pro": "gemini-2.5-pro",
    },
    ("tts", "elevenlabs"): {
        "eleven_monolingual_v1": "eleven_flash_v2_5",
        "eleven_multilingual_v1": "eleven_multilingual_v2",
    },
}
"""By kind and provider. From the providers' own pages on deprecations; what is not here may be retired all the same."""


def successor(kind: ProviderKind, provider: str, model: str) -> str | None:
    """The model to use in place of a retired one; None for any other."""
    return RETIRED_MODELS.get((kind, provider), {}).get(model)
