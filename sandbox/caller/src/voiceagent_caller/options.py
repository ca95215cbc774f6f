"""What a call is asked to be. Checked when it is made, so that a mistake is named before anyone is called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from voiceagent_caller.errors import CallerMistake

_AGENT = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-.a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class Utterance:
    """One thing the caller says: a text that is spoken by the speech server, or a wav file."""

    text: str | None = None
    wav: Path | None = None

    def __post_init__(self) -> None:
        if (self.text is None) == (self.wav is None):
            raise CallerMistake("An utterance is either a text or a wav file.")
        if self.text is not None and not self.text.strip():
            raise CallerMistake("The caller was given an empty text to say; give it some words.")

    @property
    def label(self) -> str:
        """What the transcript shows as said: the words, or the file where the words are not known."""
        return self.text if self.text is not None else f"({self.wav.name if self.wav else ''})"


@dataclass(frozen=True)
class CallOptions:
    """Whom to call, what to say, and how long to wait for each step."""

    gateway: str = "http://localhost:8080"
    speech: str = "http://localhost:8080"
    agent: str = "default/receptionist"
    utterances: tuple[Utterance, ...] = ()
    room: str | None = None
    voice: str = "alloy"
    record: Path | None = None
    """A directory for wavs of what was said and heard."""
    expect_greeting: bool = True
    max_seconds: float = 300.0
    """The whole of it, from the first synthesis to the last transcription."""
    token_timeout_seconds: float = 60.0
    connect_timeout_seconds: float = 20.0
    agent_timeout_seconds: float = 60.0
    reply_timeout_seconds: float = 45.0
    """From the caller's last word to the first sound of the reply; also for the greeting."""
    reply_max_seconds: float = 120.0
    """From the first sound of a reply to its end."""
    end_silence_seconds: float = 1.0
    """A reply is over when the agent is listening again and has been silent for this long."""

    def __post_init__(self) -> None:
        for name, url in (("gateway", self.gateway), ("speech", self.speech)):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise CallerMistake(f"{url!r} is not an address for the {name}; write it like http://localhost:8080.")
        if not _AGENT.fullmatch(self.agent):
            raise CallerMistake(
                f"{self.agent!r} does not name an agent; write NAMESPACE/NAME, as in default/receptionist."
            )
        for field in (
            "max_seconds",
            "token_timeout_seconds",
            "connect_timeout_seconds",
            "agent_timeout_seconds",
            "reply_timeout_seconds",
            "reply_max_seconds",
            "end_silence_seconds",
        ):
            if not getattr(self, field) > 0:
                raise CallerMistake(f"{field} must be greater than 0; it is {getattr(self, field):g}.")
