"""What the caller hears before a call reaches its longest duration, so that the goodbye surprises nobody."""

import logging
from typing import Final

from livekit.agents import AgentSession

from voiceagent_worker.sentences import TIME_NEARLY_UP, sentence
from voiceagent_worker.speaking import speak

logger = logging.getLogger(__name__)

MOST_SECONDS: Final = 30.0
LEAST_SECONDS: Final = 5.0
"""A warning later than this would still be spoken when the goodbye comes."""
PART: Final = 0.25


def warning_seconds(longest: float) -> float:
    """How long before the end the warning comes: a quarter of the call, at most 30 s; 0 is no warning."""
    before = min(MOST_SECONDS, longest * PART)
    return before if before >= LEAST_SECONDS else 0.0


def say_warning(language: str, session: AgentSession[None]) -> None:
    """Say it after what is being said now; the caller may talk over it."""
    try:
        speak(session, sentence(TIME_NEARLY_UP, language))
    except RuntimeError as error:
        # the caller is gone already; then the session's close is what tells the result
        logger.info("The warning of the call's end was not said: %s", error)
