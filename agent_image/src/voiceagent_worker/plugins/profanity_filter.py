"""Takes crude words out of what is said, also where their spelling hides them.

The libraries that were looked at hold words such as "veuve" (widow) and "bosser" (to work) in their French lists, or
find words inside others, so lists and matching are our own. Words count as whole words only; a language's list is
used for calls in that language, since "con" and "bite" are harmless elsewhere.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.plugins.context import PluginContext
from voiceagent_worker.plugins.interface import AgentPlugin
from voiceagent_worker.plugins.spelling import Finder, Span

LANGUAGES: Final = ("en", "fr")
MASKS: Final = ("stars", "first_letter", "remove")
MAX_WORDS: Final = 10_000

Mask = Callable[[str], str]


class ProfanityFilter(AgentPlugin):
    """Masks crude words of both sides."""

    def __init__(
        self,
        languages: list[str] | None = None,
        add: list[str] | None = None,
        allow: list[str] | None = None,
        mask: str = "stars",
        replacement: str | None = None,
    ) -> None:
        """The parameters are the keys of the plugin's `config`.

        `languages`: whose lists are used (en, fr), by default that of the call, English where there is none.
        `add`, `allow`: words to take out as well, and to leave. `mask`: stars, first_letter or remove;
        `replacement`: a text in place of each word instead, for example "bip".
        """
        unknown = [language for language in languages or [] if language not in LANGUAGES]
        if unknown:
            raise ConfigurationError(f"there is no word list for {', '.join(unknown)}; there is for en and fr")
        if mask not in MASKS:
            raise ConfigurationError(f"mask {mask!r} is not one of {', '.join(MASKS)}")
        self._languages = tuple(languages) if languages else None
        self._add = _words("add", add)
        self._allow = _words("allow", allow)
        self._mask = _mask(mask, replacement)
        self._language = "en"

    def get_name(self) -> str:
        """Its name."""
        return "profanity_filter"

    def is_enabled(self) -> bool:
        """Always."""
        return True

    async def on_session_start(self, context: PluginContext) -> None:
        """Make the list ready before the first word."""
        self._finder(context.get("language", "en"))

    async def process_message(self, message: str, context: PluginContext) -> str:
        """The message with its crude words masked."""
        self._language = context.get("language", "en")
        spans = self._finder(self._language).find(message)
        if not spans:
            return message
        if isinstance(context, PluginContext):
            context.count("words", len(spans))
        return masked(message, spans, self._mask)

    def filter_live(self, text: str) -> str | None:
        """The same for words that are still being said."""
        return masked(text, self._finder(self._language).find(text), self._mask)

    def _finder(self, language: str) -> Finder:
        short = language.split("-")[0].lower()
        languages = self._languages or ((short,) if short in LANGUAGES else ("en",))
        return _cached_finder(languages, self._add, self._allow)


def masked(text: str, spans: Iterable[Span], mask: Mask) -> str:
    """The text with its spans masked."""
    parts: list[str] = []
    end = 0
    for span in spans:
        parts += (text[end : span.start], mask(text[span.start : span.end]))
        end = span.end
    whole = "".join((*parts, text[end:]))
    return re.sub(r"  +", " ", whole).strip() if mask is _remove else whole


def word_list(language: str) -> frozenset[str]:
    """The words of a language."""
    text = (resources.files("voiceagent_worker.plugins") / "words" / f"{language}.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


@lru_cache(maxsize=16)
def _cached_finder(languages: tuple[str, ...], add: frozenset[str], allow: frozenset[str]) -> Finder:
    return Finder(frozenset().union(*map(word_list, languages)) | add, allow)


def _words(key: str, given: Any) -> frozenset[str]:
    if given is None:
        return frozenset()
    if not isinstance(given, list) or not all(isinstance(word, str) and word.strip() for word in given):
        raise ConfigurationError(f"{key} must be a list of words")
    if len(given) > MAX_WORDS:
        raise ConfigurationError(f"{key} has more than {MAX_WORDS} words")
    return frozenset(word.strip() for word in given)


def _mask(style: str, replacement: str | None) -> Mask:
    if replacement is not None:
        if not isinstance(replacement, str):
            raise ConfigurationError("replacement must be text")
        return lambda _: replacement
    return {"stars": _stars, "first_letter": _first_letter, "remove": _remove}[style]


def _stars(word: str) -> str:
    return "*" * len(word)


def _first_letter(word: str) -> str:
    return word[0] + "*" * (len(word) - 1)


def _remove(word: str) -> str:
    return ""
