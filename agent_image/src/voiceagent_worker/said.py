"""Tells what both sides of a call say: always how much, and the words only where the agent's manifest asks for them.

A message of the conversation has the words that the plugins left: those of the caller are processed before they
become one, and those of the agent before they are spoken. One that was interrupted has what was spoken of it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from livekit.agents import AgentSession, ConversationItemAddedEvent, UserInputTranscribedEvent
from livekit.agents.llm import ChatMessage
from voiceagent_api.transcripts import Speaker

from voiceagent_worker.events import LineSaid, SentEvent, WordsSaid

MAX_CHARACTERS: Final = 8000
"""Of one line, some nine minutes of speech; the rest is cut off. As JSON it fits into a line of the channel."""
CUT: Final = "…"
_SPEAKERS: Final[dict[str, Speaker]] = {"user": "caller", "assistant": "agent"}
_WORD: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+(?:['’-]\w+)*"
)
"""A run of letters and digits; of writing without spaces each character."""


def count_words(text: str) -> int:
    """How many words a text has."""
    return sum(1 for _ in _WORD.finditer(text))


@dataclass(slots=True)
class SaidTeller:
    """Makes events of messages."""

    session: str
    language: str
    """The agent's."""
    with_text: bool
    send: Callable[[SentEvent], None]
    _heard: str = field(default="", init=False)

    def heard(self, language: str | None) -> None:
        """The speech to text says which language the caller speaks."""
        if language:
            self._heard = language

    def message(self, role: str, text: str | None, created_at: float) -> None:
        """A message is complete; those of nobody who speaks are passed over, and so are empty ones."""
        who = _SPEAKERS.get(role)
        # half of a surrogate pair, which a provider's JSON may hold, is no text that could be sent on
        text = (text or "").encode("utf-8", "replace").decode().strip()
        if who is None or not text:
            return
        at = datetime.fromtimestamp(created_at, UTC)
        self.send(WordsSaid(session=self.session, who=who, words=count_words(text), at=at))
        if self.with_text:
            cut = text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - len(CUT)] + CUT
            language = (self._heard if who == "caller" else "") or self.language
            self.send(LineSaid(session=self.session, who=who, text=cut, language=language, at=at))


def tell_said(session: AgentSession[None], teller: SaidTeller) -> None:
    """Tell of a session's messages as they are added."""

    def on_message(event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, ChatMessage):
            teller.message(event.item.role, event.item.text_content, event.item.created_at)

    def on_heard(event: UserInputTranscribedEvent) -> None:
        if event.is_final:
            teller.heard(event.language)

    session.on("conversation_item_added", on_message)
    session.on("user_input_transcribed", on_heard)
