"""Word error rate and the normalising of text that it rests on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voiceagent_caller import word_error_rate
from voiceagent_caller.normalise import readings
from voiceagent_caller.number_words import spell_cardinal, spell_ordinal
from voiceagent_caller.wer import edit_distance

WORDS = st.lists(st.sampled_from("abcd"), max_size=8)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("Hello, World!", "hello world"),
        ("It’s Blue-Dental; don't worry…", "its blue dental dont worry"),
        ("We open at 9:00 a.m.", "We open at nine AM"),
        ("We open at 9:30.", "we open at nine thirty"),
        ("At 5 o'clock", "at five"),
        ("There are 105 of them", "there are one hundred and five of them"),
        ("1,250 people", "one thousand two hundred fifty people"),
        ("the 21st of May", "the twenty-first of May"),
        ("in 1984", "in nineteen eighty-four"),
        ("in 2005", "in two thousand five"),
        ("call 555 0199", "call five five five zero one nine nine"),
        ("It costs $20.50", "it costs twenty dollars and fifty cents"),
        ("€3", "three euros"),
        ("3.5 percent", "three point five %"),
        ("salt & pepper", "salt and pepper"),
        ("from 9 am to 12 pm", "from nine a m to twelve p M"),
        ("leave a voicemail", "leave a voice mail"),
        ("Goodbye! OK?", "good-by okay"),
        ("Ünïcode Straße", "ünïcode strasse"),
    ],
)
def test_two_spellings_of_the_same_speech_do_not_differ(said: str, heard: str) -> None:
    assert word_error_rate(said, heard) == 0
    assert word_error_rate(heard, said) == 0


@pytest.mark.parametrize(
    ("said", "heard", "rate"),
    [
        ("we open at nine", "we open at five", 1 / 4),
        ("we open at nine", "we open nine", 1 / 4),
        ("we open at nine", "well we open at nine", 1 / 4),
        ("we open at nine", "", 1.0),
        ("yes", "no it is not", 4.0),
        ("", "", 0.0),
        ("", "anything", 1.0),
        ("salt and pepper and 2", "salt pepper and two", 1 / 5),
    ],
)
def test_each_wrong_missing_or_added_word_counts_once(said: str, heard: str, rate: float) -> None:
    assert word_error_rate(said, heard) == pytest.approx(rate)


@settings(deadline=None)
@given(WORDS, WORDS, WORDS)
def test_edit_distance_is_a_metric(a: list[str], b: list[str], c: list[str]) -> None:
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))


@settings(deadline=None)
@given(st.text())
def test_any_text_has_a_reading_and_equals_itself(text: str) -> None:
    assert readings(text)
    assert word_error_rate(text, text) == 0


@settings(deadline=None)
@given(st.integers(0, 10**12))
def test_a_number_reads_the_same_as_its_name(number: int) -> None:
    assert word_error_rate(f"{number:,}", " ".join(spell_cardinal(number))) == 0


@pytest.mark.parametrize(
    ("number", "name"),
    [(1, "first"), (12, "twelfth"), (20, "twentieth"), (33, "thirty third"), (100, "one hundredth")],
)
def test_ordinals_are_named(number: int, name: str) -> None:
    assert " ".join(spell_ordinal(number)) == name
