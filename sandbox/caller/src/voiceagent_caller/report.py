"""What a call was like: the record that tests assert on, and its reading as a transcript.

Field names are part of the JSON that other programs read; durations are in seconds.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Greeting:
    """What the agent said on its own when the caller joined."""

    transcript: str
    heard: str
    wer: float
    first_sound_seconds: float
    """From the moment the caller was connected."""


@dataclass(frozen=True)
class Turn:
    """One thing the caller said, and what came of it."""

    said: str
    heard_by_agent: str
    """The agent's transcript of the caller."""
    answered: str
    """The agent's transcript of itself: what its language model wrote."""
    heard_by_caller: str
    """What speech recognition makes of the audio that reached the caller."""
    word_error_rate: float
    """Of `heard_by_caller` against `answered`."""
    silence_seconds: float
    """From the caller's last sound to the reply's first; below zero if the agent did not wait for it."""


@dataclass(frozen=True)
class CallReport:
    agent: str
    room: str
    identity: str
    joined_seconds: float
    """From asking for the token to being connected."""
    agent_joined_seconds: float
    """From being connected to hearing the agent's audio track."""
    greeting: Greeting | None
    turns: tuple[Turn, ...]
    total_seconds: float
    """From asking for the token to having hung up."""
    complete: bool = True
    """False for a call that failed: what it shows was not transcribed, so nothing heard can be compared."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)


def render_transcript(report: CallReport) -> str:
    """The call as a person would read it, with the latency of each turn."""
    lines = [
        f"Call to {report.agent} in room {report.room}: joined in {report.joined_seconds:.2f} s, "
        f"agent there {report.agent_joined_seconds:.2f} s later, {report.total_seconds:.1f} s in all.",
    ]
    if report.greeting is not None:
        greeting = report.greeting
        lines += ["", _spoken("agent", greeting.transcript)]
        lines.append(_note(f"first sound after {greeting.first_sound_seconds:.2f} s"))
        lines += _heard_as(report, greeting.heard, greeting.wer)
    for turn in report.turns:
        lines += ["", _spoken("caller", turn.said)]
        lines.append(_note(f"understood as: {_quoted(turn.heard_by_agent)}"))
        lines.append(_spoken("agent", turn.answered))
        lines.append(_note(f"first sound {turn.silence_seconds:.2f} s after the caller's last"))
        lines += _heard_as(report, turn.heard_by_caller, turn.word_error_rate)
    return "\n".join(lines)


def _spoken(who: str, text: str) -> str:
    return f"{who:>7}  {text or '(no transcript came)'}"


def _note(text: str) -> str:
    return f"{'':>7}    {text}"


def _heard_as(report: CallReport, heard: str, error_rate: float) -> list[str]:
    return [_note(f"heard as: {_quoted(heard)}, word error rate {error_rate:.2f}")] if report.complete else []


def _quoted(text: str) -> str:
    return f"“{text}”" if text else "nothing"
