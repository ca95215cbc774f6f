"""Text cut into what is spoken in one breath."""

from hypothesis import given
from hypothesis import strategies as st
from voiceagent_speech.sentences import LONGEST, SentenceBuffer, speakable, split_sentences


def test_a_text_is_cut_after_each_sentence() -> None:
    assert split_sentences("Hello there! How are you? Fine… I hope.") == [
        "Hello there!",
        "How are you?",
        "Fine…",
        "I hope.",
    ]


def test_abbreviations_initials_and_decimals_do_not_end_a_sentence() -> None:
    text = "Dr. J. Smith pays 3.50 euros, e.g. on Mondays."
    assert split_sentences(text) == [text]


def test_a_quotation_mark_stays_with_its_sentence() -> None:
    assert split_sentences('She said "yes." Then she left.') == ['She said "yes."', "Then she left."]


def test_words_that_come_one_by_one_give_a_sentence_once_it_is_over() -> None:
    buffer = SentenceBuffer()
    given_out = [buffer.push(f"{word} ") for word in ["Good", "morning.", "How", "are", "you"]]
    assert given_out == [[], ["Good morning."], [], [], []]
    assert buffer.flush() == ["How are you"]
    assert buffer.flush() == []


def test_a_cleared_buffer_has_nothing_to_say() -> None:
    buffer = SentenceBuffer()
    buffer.push("Never mind")
    buffer.clear()
    assert (len(buffer), buffer.flush()) == (0, [])


def test_punctuation_alone_is_not_spoken() -> None:
    assert split_sentences("... !? \n\n - ") == []
    assert not speakable("…")


def test_a_long_sentence_is_cut_at_its_commas() -> None:
    text = ", ".join(["we open at nine in the morning"] * 12) + "."
    parts = split_sentences(text)
    assert len(parts) > 2
    assert all(len(part) <= LONGEST for part in parts)
    assert all(part.endswith((",", ".")) for part in parts)


@given(st.text(alphabet="ab1 .,!?\n-", max_size=600))
def test_no_word_is_lost_or_repeated(text: str) -> None:
    def kept(pieces: list[str]) -> str:
        return "".join(c for c in " ".join(pieces) if c.isalnum())

    assert kept(split_sentences(text)) == kept([text])


@given(st.lists(st.sampled_from(["Hello ", "there. ", "Dr. ", "No? ", "well, "]), max_size=40))
def test_a_stream_gives_the_same_sentences_as_the_whole(words: list[str]) -> None:
    buffer = SentenceBuffer()
    streamed = [sentence for word in words for sentence in buffer.push(word)]
    assert streamed + buffer.flush() == split_sentences("".join(words))
