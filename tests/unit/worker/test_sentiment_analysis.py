"""How the caller feels."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_worker.errors import ConfigurationError
from voiceagent_worker.plugins.context import Conversation, PluginContext
from voiceagent_worker.plugins.sentiment_analysis import SentimentAnalysis, label, score


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "This is wonderful, thank you so much!", "positive"),
        ("en-GB", "I am very angry, this is a terrible service.", "negative"),
        ("en", "It is not good.", "negative"),
        ("en", "I call about the table at eight.", "neutral"),
        ("fr", "C'est parfait, merci beaucoup !", "positive"),
        ("fr-CA", "Je suis très déçue, c'est inadmissible.", "negative"),
        ("fr", "Ce n'est pas très bon.", "negative"),
        ("fr", "Je n'aime pas ça.", "negative"),
        ("fr", "Elles sont toutes satisfaites.", "positive"),
        ("fr", "Je vous appelle pour une table à huit heures.", "neutral"),
    ],
)
def test_the_sign_of_a_text(language: str, text: str, expected: str) -> None:
    value = score(text, language, {})
    assert value is not None
    assert label(value) == expected


def test_emphasis_counts() -> None:
    more, less = score("c'est vraiment très bon", "fr", {}), score("c'est bon", "fr", {})
    assert more is not None and less is not None and more > less > 0


def test_a_language_without_a_lexicon_has_no_score_but_for_ones_own_words() -> None:
    assert score("das ist wunderbar", "de", {}) is None
    assert (score("das ist wunderbar", "de", {"wunderbar": 3.0}) or 0) > 0


@given(st.text(max_size=300), st.sampled_from(["en", "fr"]))
def test_a_score_is_within_its_bounds_for_any_text(text: str, language: str) -> None:
    value = score(text, language, {})
    assert value is not None and -1 <= value <= 1


class Reporter:
    def __init__(self) -> None:
        self.told: list[Any] = []

    def count(self, plugin: str, name: str, amount: float) -> None:
        self.told.append(name)

    def observe(self, plugin: str, name: str, value: float) -> None:
        self.told.append((name, value))

    def set_attribute(self, plugin: str, key: str, value: str) -> None:
        self.told.append((key, value))

    def add_background(self, plugin: str, text: str) -> None: ...


async def test_a_turn_has_a_score_in_context_state_metrics_and_room_and_the_message_stays() -> None:
    plugin, conversation, reporter = SentimentAnalysis(), Conversation("call"), Reporter()
    context = PluginContext.of(conversation, "user", reporter)
    assert await plugin.process_message("I love it", context) == "I love it"
    value = context["sentiment"]["score"]
    assert value > 0 and context["sentiment"]["label"] == "positive"
    assert conversation.state["sentiment_analysis"] == {
        "scores": [value],
        "score": value,
        "label": "positive",
        "mean": value,
    }
    assert reporter.told == [("score", value), "positive", ("score", f"{value:.2f}"), ("label", "positive")]


async def test_pieces_of_one_turn_are_scored_as_one_text() -> None:
    plugin, conversation, reporter = SentimentAnalysis(attribute=False), Conversation("call"), Reporter()
    for piece in ("The food was", "not good"):
        await plugin.process_message(piece, PluginContext.of(conversation, "user", reporter))
    whole = score("The food was not good", "en", {})
    assert conversation.state["sentiment_analysis"]["scores"] == [whole]
    conversation.turn += 1
    await plugin.process_message("I hate it", PluginContext.of(conversation, "user", reporter))
    assert len(conversation.state["sentiment_analysis"]["scores"]) == 2


async def test_what_the_agent_says_is_not_scored() -> None:
    context = PluginContext.of(Conversation("call"), "agent", Reporter())
    assert await SentimentAnalysis().process_message("I love it", context) == "I love it"
    assert "sentiment" not in context


async def test_a_plain_dict_is_enough_of_a_context() -> None:
    context: Any = {"direction": "user"}
    await SentimentAnalysis().process_message("I love it", context)
    assert context["sentiment"]["label"] == "positive"


@pytest.mark.parametrize("lexicon", [{"word": 9}, {"word": "x"}, ["word"]])
def test_a_wrong_lexicon_is_told(lexicon: Any) -> None:
    with pytest.raises(ConfigurationError):
        SentimentAnalysis(lexicon=lexicon)
