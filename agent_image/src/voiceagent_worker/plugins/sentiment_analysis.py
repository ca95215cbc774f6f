"""How the caller feels, as a number: by VADER for English, by a small list of our own for French.

VADER (vaderSentiment) is a lexicon with rules for negation, emphasis and punctuation. No French package is well kept:
the French VADER was last released in 2021 and matches words by similarity, so French has a list of everyday words and
the same kind of rules here. Other languages have a score only for the words that `lexicon` gives.
"""

import math
import re
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # type: ignore[import-untyped]

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.plugins.context import PluginContext
from voiceagent_worker.plugins.interface import AgentPlugin

POSITIVE: Final = 0.05
"""From here on VADER's authors call a text positive, and from its negative on negative."""
MAX_TURN_CHARACTERS: Final = 2000
STATE: Final = "sentiment_analysis"
_WORD: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_NEGATIONS: Final = frozenset({"pas", "jamais", "aucun", "aucune", "rien", "sans", "ni", "point", "guère", "plus"})
_EMPHASIS: Final = {
    "très": 0.3,
    "vraiment": 0.3,
    "trop": 0.3,
    "tellement": 0.3,
    "extrêmement": 0.4,
    "absolument": 0.3,
    "super": 0.3,
    "hyper": 0.3,
    "assez": -0.2,
    "plutôt": -0.2,
    "peu": -0.4,
}
_REACH: Final = 3
"""How many words a negation or an emphasis reaches."""


class SentimentAnalysis(AgentPlugin):
    """Scores each turn of the caller from -1 to 1; the message goes on as it was."""

    changes_text = False

    def __init__(self, lexicon: dict[str, float] | None = None, attribute: bool = True) -> None:
        """The parameters are the keys of the plugin's `config`.

        `lexicon`: further words and their weight from -4 to 4; `attribute`: whether the room is shown the score.
        """
        weights = lexicon or {}
        if not isinstance(weights, dict) or not all(
            isinstance(word, str) and isinstance(weight, int | float) and -4 <= weight <= 4
            for word, weight in weights.items()
        ):
            raise ConfigurationError('lexicon must be like {"word": weight}, with weights from -4 to 4')
        self._lexicon = {word.casefold(): float(weight) for word, weight in weights.items()}
        self._attribute = bool(attribute)
        self._turn = -1
        self._text = ""

    def get_name(self) -> str:
        """Its name."""
        return "sentiment_analysis"

    def is_enabled(self) -> bool:
        """Always."""
        return True

    async def on_session_start(self, context: PluginContext) -> None:
        """Load the lexicon before the first word."""
        score("", context.get("language", "en"), self._lexicon)

    async def process_message(self, message: str, context: PluginContext) -> str:
        """The message; the score of the turn so far is in context["sentiment"] and in the call's state."""
        if context.get("direction") != "user":
            return message
        turn = context.get("turn", self._turn + 1)
        same = turn == self._turn
        self._turn = turn
        # a long turn comes in pieces: its score is that of all that was said in it
        self._text = f"{self._text} {message}"[-MAX_TURN_CHARACTERS:] if same else message[-MAX_TURN_CHARACTERS:]
        value = score(self._text, context.get("language", "en"), self._lexicon)
        if value is None:
            return message
        context["sentiment"] = {"score": value, "label": label(value)}
        self._remember(context, value, same)
        return message

    def _remember(self, context: PluginContext, value: float, same: bool) -> None:
        state = context.setdefault("state", {}).setdefault(STATE, {"scores": []})
        scores: list[float] = state["scores"]
        if same and scores:
            scores[-1] = value
        else:
            scores.append(value)
            del scores[:-100]
        state.update(score=value, label=label(value), mean=round(sum(scores) / len(scores), 4))
        if isinstance(context, PluginContext):
            context.observe("score", value)
            context.count(label(value))
            if self._attribute:
                context.set_attribute("score", f"{value:.2f}")
                context.set_attribute("label", label(value))


def label(value: float) -> str:
    """A score in a word."""
    return "positive" if value >= POSITIVE else "negative" if value <= -POSITIVE else "neutral"


def score(text: str, language: str, lexicon: dict[str, float]) -> float | None:
    """From -1 (very negative) to 1 (very positive); None where nothing is known of the language."""
    short = language.split("-")[0].lower()
    if short == "en":
        return float(_vader(tuple(lexicon.items())).polarity_scores(text)["compound"])
    if short == "fr":
        return _by_words(text, {**_french(), **lexicon})
    return _by_words(text, lexicon) if lexicon else None


def _by_words(text: str, lexicon: dict[str, float]) -> float:
    words = [word.casefold() for word in _WORD.findall(text)]
    total = sum(_weight(words, place, lexicon) for place in range(len(words)))
    if total:
        total += math.copysign(0.292 * min(4, text.count("!")), total)
    # VADER's own scale
    return round(total / math.sqrt(total * total + 15), 4)


def _weight(words: list[str], place: int, lexicon: dict[str, float]) -> float:
    weight = lexicon.get(words[place])
    if weight is None and words[place].endswith(("s", "e")):
        # the masculine or the singular: satisfaite, satisfaites
        stem = words[place].rstrip("s")
        weight = lexicon.get(stem) or lexicon.get(stem.removesuffix("e"))
    if not weight:
        return 0.0
    before = words[max(0, place - _REACH) : place]
    size = abs(weight) + sum(_EMPHASIS.get(word, 0.0) for word in before)
    signed = math.copysign(max(0.1, size), weight)
    after = words[place + 1 : place + 2]
    # "je n'aime pas": the negation stands behind the verb; "sans plus": not a negation of what is behind it
    negated = any(word in _NEGATIONS for word in before) or (bool(after) and after[0] in ("pas", "jamais", "plus"))
    return signed * -0.74 if negated else signed


@lru_cache(maxsize=8)
def _vader(extra: tuple[tuple[str, float], ...]) -> Any:
    analyzer = SentimentIntensityAnalyzer()
    analyzer.lexicon.update(extra)
    return analyzer


@lru_cache(maxsize=1)
def _french() -> dict[str, float]:
    text = (resources.files("voiceagent_worker.plugins") / "words" / "sentiment_fr.txt").read_text(encoding="utf-8")
    rows = (line.rsplit(None, 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {word: float(weight) for word, weight in rows}
