"""Text cut into what is spoken in one breath, so that the first words sound while the rest is being made.

Text arrives whole, or word by word on a stream; a sentence is given out once the next character shows that it
has ended.
"""

from __future__ import annotations

import re

# A breath longer than this is cut at a comma: the voice's time to first sound grows with its length.
LONGEST = 140
_SHORTEST_CLAUSE = 40

_END = re.compile(r"[.!?…]+[\"')\]]*(?=\s)|\n+")
_CLAUSE_END = re.compile(r"[,;:]\s|\s[-–—]\s")
_ABBREVIATION = re.compile(r"(?:^|\s)(?:(?i:mr|mrs|ms|dr|prof|vs|e\.g|i\.e|approx)|[A-Z])\.$")


class SentenceBuffer:
    """Collects pieces of text and gives out whole sentences."""

    def __init__(self) -> None:
        self._text = ""

    def __len__(self) -> int:
        return len(self._text)

    def push(self, text: str) -> list[str]:
        self._text += text
        return self._take(whole=False)

    def flush(self) -> list[str]:
        """Everything that is left, ended or not."""
        return self._take(whole=True)

    def clear(self) -> None:
        self._text = ""

    def _take(self, *, whole: bool) -> list[str]:
        done: list[str] = []
        begin = 0
        for match in _END.finditer(self._text):
            candidate = self._text[begin : match.end()].strip()
            if _ABBREVIATION.search(candidate):
                continue
            done.append(candidate)
            begin = match.end()
        self._text = self._text[begin:]
        if whole:
            done.append(self._text.strip())
            self._text = ""
        return [breath for sentence in done if speakable(sentence) for breath in _breaths(sentence)]


def split_sentences(text: str) -> list[str]:
    buffer = SentenceBuffer()
    return buffer.push(text) + buffer.flush()


def speakable(text: str) -> bool:
    """Whether there is anything in it to say: punctuation alone makes no sound."""
    return any(character.isalnum() for character in text)


def _breaths(sentence: str) -> list[str]:
    parts: list[str] = []
    while len(sentence) > LONGEST:
        cuts = [match.end() for match in _CLAUSE_END.finditer(sentence, _SHORTEST_CLAUSE, LONGEST)]
        at = cuts[-1] if cuts else sentence.rfind(" ", _SHORTEST_CLAUSE, LONGEST) + 1
        if at <= 0:
            break
        parts.append(sentence[:at].strip())
        sentence = sentence[at:].strip()
    return [*parts, sentence] if sentence else parts
