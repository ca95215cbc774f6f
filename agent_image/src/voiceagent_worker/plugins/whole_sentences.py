"""Text for speech providers that take a sentence a request, when it comes in whole sentences already.

livekit-agents' own cutting waits for the beginning of the next sentence before it lets one go. Behind plugins that
beginning comes only with that sentence's end, so the caller would wait a whole sentence longer.
"""

from typing import Any, Final

from livekit.agents import tts, utils
from livekit.agents.tokenize import SentenceStream, SentenceTokenizer, TokenData

MIN_CHARACTERS: Final = 10
"""Less than that goes with the next sentence: a request for "Oh." sounds cut off."""


def prompt_speech(speech: tts.TTS[Any] | None) -> tts.TTS[Any] | None:
    """The same, but prompt with text that comes from plugins."""
    if speech is None or speech.capabilities.streaming:
        return speech
    return tts.StreamAdapter(tts=speech, sentence_tokenizer=WholeSentences())


class WholeSentences(SentenceTokenizer):
    """Takes each piece for a sentence."""

    def tokenize(self, text: str, *, language: str | None = None) -> list[str]:
        """The text itself."""
        return [text] if text.strip() else []

    def stream(self, *, language: str | None = None) -> SentenceStream:
        """One answer."""
        return _Pieces()


class _Pieces(SentenceStream):
    def __init__(self) -> None:
        super().__init__()
        self._held = ""
        self._segment = utils.shortuuid()

    def push_text(self, text: str) -> None:
        """A sentence, or the beginning of one that is too long."""
        self._held += text
        if len(self._held.strip()) >= MIN_CHARACTERS:
            self._let_go()

    def flush(self) -> None:
        """What is held back is whole."""
        self._let_go()
        self._segment = utils.shortuuid()

    def end_input(self) -> None:
        """No more comes."""
        self.flush()
        self._event_ch.close()

    async def aclose(self) -> None:
        """Let go of it."""
        self._event_ch.close()

    def _let_go(self) -> None:
        text, self._held = self._held, ""
        if text.strip():
            self._event_ch.send_nowait(TokenData(token=text, segment_id=self._segment))
