"""What the plugins cost: alone, in a turn, and by holding back a sentence."""

import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from figures import Figure
from livekit.agents import tokenize
from voiceagent_worker.events import PluginsRan, SentEvent, encode
from voiceagent_worker.plugins.breaker import CircuitBreaker
from voiceagent_worker.plugins.call import CallPlugins
from voiceagent_worker.plugins.chain import Step
from voiceagent_worker.plugins.context import Conversation
from voiceagent_worker.plugins.conversation_memory import ConversationMemory
from voiceagent_worker.plugins.example import Example
from voiceagent_worker.plugins.memory_store import SqliteStore
from voiceagent_worker.plugins.profanity_filter import ProfanityFilter
from voiceagent_worker.plugins.sentiment_analysis import SentimentAnalysis
from voiceagent_worker.plugins.speech import processed_stream
from voiceagent_worker.plugins.whole_sentences import WholeSentences

MESSAGES = 20_000
ROUNDS = 5
TURNS = 2_000
MESSAGES_PER_SECOND = 5_000
TURN_MILLISECONDS = 2.0
TOKENS_PER_SECOND = 60.0
"""Of a hosted model in mid-2025; a faster one makes all that is held back shorter in proportion."""
ASKED = (
    "Hello, I would like to book a table for two people tomorrow evening.",
    "No, that is not what I asked for, I am really not happy with this.",
    "Could you tell me what the opening hours are at the weekend, please?",
    "This is a sh1t service, I have been waiting for an hour.",
    "Great, thank you so much, that is wonderful!",
    "My number is 0171 555 2368, extension 12.",
)
ANSWERS = (
    "Certainly, I can help you with that. We have a table free at eight. Shall I book it for you?",
    "I am sorry to hear that you had to wait. Let me have a look at your order. It is on its way and should be "
    "with you within the next twenty minutes.",
    "We are open from nine in the morning until six in the evening. On Sundays we open at eleven. Is there anything "
    "else that I can do for you today?",
)


async def figures() -> list[Figure]:
    """All of them."""
    with tempfile.TemporaryDirectory() as folder:
        rate = await _messages_per_second(Path(folder))
        turn = await _turn_milliseconds(Path(folder))
    streaming, whole = await _held_back_milliseconds()
    return [
        Figure(
            "plugins: messages a second through the four, one core", rate, "1/s", MESSAGES_PER_SECOND, at_least=True
        ),
        Figure("plugins: computing that the four add to a turn, p50", turn[0], "ms"),
        Figure("plugins: computing that the four add to a turn, p95", turn[1], "ms", TURN_MILLISECONDS),
        Figure("plugins: held back of the first words, streaming TTS, p50", streaming, "ms"),
        Figure("plugins: held back of the first sentence, TTS by the sentence, p50", whole, "ms"),
    ]


def shipped(folder: Path, send: Callable[[SentEvent], None]) -> CallPlugins:
    """The four shipped plugins, as a call has them."""
    plugins: list[Any] = [
        ProfanityFilter(),
        SentimentAnalysis(),
        Example(),
        ConversationMemory(store=SqliteStore(folder / "memory.db")),
    ]
    steps = [Step(plugin.get_name(), plugin, 0.2, False, CircuitBreaker(time.monotonic)) for plugin in plugins]
    return CallPlugins(steps, Conversation("bench", agent="default/bench"), send)


async def _messages_per_second(folder: Path) -> float:
    """The median of some rounds. With the telling of the main process, without the sending."""
    sent: list[int] = []
    plugins = shipped(folder, lambda event: sent.append(len(encode(event))) if isinstance(event, PluginsRan) else None)
    await plugins.start("caller")
    rates: list[float] = []
    words = itertools.cycle((*ASKED, *(sentence for answer in ANSWERS for sentence in answer.split(". "))))
    for _ in range(ROUNDS):
        began = time.process_time()
        for number in range(MESSAGES // 2):
            await plugins.from_user(next(words))
            plugins.turn_ended(str(number))
            await plugins.from_agent(next(words))
        # of the process, so with the thread that writes to the store; another program's time does not count
        rates.append(MESSAGES / (time.process_time() - began))
    await plugins.end()
    return statistics.median(rates)


async def _turn_milliseconds(folder: Path) -> tuple[float, float]:
    """Median and 95th percentile of what a turn takes with the plugins, less what it takes without."""
    plugins = shipped(folder, lambda event: None)
    await plugins.start("caller")
    added: list[float] = []
    for number in range(TURNS):
        asked, answer = ASKED[number % len(ASKED)], ANSWERS[number % len(ANSWERS)]
        began = time.perf_counter()
        _ = [token async for token in _spoken(answer)]
        plain = time.perf_counter() - began
        began = time.perf_counter()
        await plugins.from_user(asked)
        plugins.turn_ended(str(number))
        _ = [chunk async for chunk in processed_stream(_spoken(answer), plugins)]
        added.append((time.perf_counter() - began - plain) * 1000)
    await plugins.end()
    return statistics.median(added), statistics.quantiles(added, n=20)[-1]


async def _held_back_milliseconds() -> tuple[float, float]:
    """How much later the first text is with a provider of speech, by the number of tokens that must come first.

    A streaming provider gets the first token at once without plugins, and the first sentence with them. One that
    takes a sentence a request gets it from livekit-agents' cutting without plugins, and at once with them.
    """
    with tempfile.TemporaryDirectory() as folder:
        plugins = shipped(Path(folder), lambda event: None)
        by_token, by_sentence = [], []
        for answer in ANSWERS:
            seen = _Counted(answer)
            await anext(processed_stream(seen, plugins))
            by_token.append(seen.count - 1)
            cut = tokenize.blingfire.SentenceTokenizer(retain_format=True).stream()
            by_sentence.append(
                await _tokens_until(WholeSentences().stream(), answer, plugins) - await _tokens_until(cut, answer, None)
            )
    milliseconds = 1000 / TOKENS_PER_SECOND
    return statistics.median(by_token) * milliseconds, statistics.median(by_sentence) * milliseconds


async def _tokens_until(cut: tokenize.SentenceStream, answer: str, plugins: CallPlugins | None) -> int:
    seen = _Counted(answer)
    first = asyncio.ensure_future(anext(cut))
    async for text in processed_stream(seen, plugins) if plugins else seen:
        cut.push_text(str(text))
        await asyncio.sleep(0)
        if first.done():
            break
    count = seen.count
    if not first.done():
        cut.end_input()
        await first
    await cut.aclose()
    return count


class _Counted:
    """An answer's tokens, counted as they are taken."""

    def __init__(self, answer: str) -> None:
        self.count = 0
        self._tokens = _spoken(answer)

    def __aiter__(self) -> "_Counted":
        return self

    async def __anext__(self) -> str:
        token = await anext(self._tokens)
        self.count += 1
        return token


async def _spoken(answer: str) -> AsyncIterator[str]:
    """As a model streams it: a word or so at a time."""
    words = answer.split(" ")
    for place, word in enumerate(words):
        yield word if place == 0 else f" {word}"
