"""Sentences that plugins let go are spoken at once."""

from voiceagent_worker.plugins.whole_sentences import WholeSentences


async def test_a_sentence_is_let_go_at_once_and_a_very_short_one_with_the_next() -> None:
    stream = WholeSentences().stream()
    stream.push_text("How can I help you? ")
    assert (await anext(stream)).token == "How can I help you? "
    stream.push_text("Oh. ")
    stream.push_text("I see it now. ")
    assert (await anext(stream)).token == "Oh. I see it now. "
    stream.push_text("Bye.")
    stream.end_input()
    assert [token.token async for token in stream] == ["Bye."]


async def test_nothing_but_space_is_no_sentence() -> None:
    stream = WholeSentences().stream()
    stream.push_text(" \n ")
    stream.end_input()
    assert [token.token async for token in stream] == []
    assert WholeSentences().tokenize("  ") == []
