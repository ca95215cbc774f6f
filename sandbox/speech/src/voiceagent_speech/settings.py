"""What the server is told from outside, read once at start.

Everything has a default that suits two cores, so that the image runs with no configuration at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class SettingsError(ValueError):
    """An environment variable that cannot be used, said in one sentence."""


@dataclass(frozen=True)
class Settings:
    """The server's configuration; the environment's names are in `from_environment`."""

    host: str = "127.0.0.1"
    port: int = 8090
    threads: int = 2
    """Transcriptions at once, and threads of each voice process."""
    llm_threads: int = 1
    """Threads of the language model. Several wait for each other by spinning, which a busy machine punishes."""
    llm_slots: int = 4
    llm_context: int = 8192
    """Tokens of context, shared by all slots."""
    llm_max_tokens: int = 60
    """What a request without a limit of its own gets: longer, and a model of this size rambles."""
    tts_workers: int = 1
    queue_limit: int = 16
    """Requests of one kind that may be in the house, running or waiting, before 429."""
    stream_limit: int = 64
    """Open streaming recognitions before 429."""
    min_endpointing_milliseconds: int = 300
    interim_seconds: float = 0.8
    journal: bool = True
    allow_script: bool = False
    allow_faults: bool = False
    log_level: str = "INFO"

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> Settings:
        read = _Reader(environment)
        return Settings(
            host=environment.get("SPEECH_HOST", "127.0.0.1"),
            port=read.integer("SPEECH_PORT", 8090, least=0),
            threads=read.integer("SPEECH_THREADS", 2),
            llm_threads=read.integer("SPEECH_LLM_THREADS", 1),
            llm_slots=read.integer("SPEECH_LLM_SLOTS", 4),
            llm_context=read.integer("SPEECH_LLM_CONTEXT", 8192, least=512),
            llm_max_tokens=read.integer("SPEECH_LLM_MAX_TOKENS", 60),
            tts_workers=read.integer("SPEECH_TTS_WORKERS", 1),
            queue_limit=read.integer("SPEECH_QUEUE_LIMIT", 16),
            stream_limit=read.integer("SPEECH_STREAM_LIMIT", 64),
            min_endpointing_milliseconds=read.integer("SPEECH_MIN_ENDPOINTING_MILLISECONDS", 300, least=100),
            interim_seconds=read.integer("SPEECH_INTERIM_MILLISECONDS", 800, least=200) / 1000,
            journal=read.flag("SPEECH_JOURNAL", True),
            allow_script=read.flag("SPEECH_ALLOW_SCRIPT", False),
            allow_faults=read.flag("SPEECH_ALLOW_FAULTS", False),
            log_level=read.level("SPEECH_LOG_LEVEL"),
        )


@dataclass(frozen=True)
class _Reader:
    environment: Mapping[str, str]

    def integer(self, name: str, default: int, *, least: int = 1) -> int:
        text = self.environment.get(name, "").strip()
        if not text:
            return default
        if not text.isdecimal() or int(text) < least:
            raise SettingsError(f"{name} is {text!r}; give a whole number of at least {least}.")
        return int(text)

    def flag(self, name: str, default: bool) -> bool:
        text = self.environment.get(name, "").strip().lower()
        if text in {"1", "true", "yes", "on"}:
            return True
        if text in {"0", "false", "no", "off"}:
            return False
        if not text:
            return default
        raise SettingsError(f"{name} is {text!r}; give 1 or 0.")

    def level(self, name: str) -> str:
        text = self.environment.get(name, "").strip().upper() or "INFO"
        levels = ("DEBUG", "INFO", "WARNING", "ERROR")
        if text not in levels:
            raise SettingsError(f"{name} is {text!r}; give one of {', '.join(levels)}.")
        return text
