"""A stream of text in sentences, nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_worker.plugins.sentences import MAX_CHARACTERS, SentenceBuffer


def cut(text: str, size: int = 3) -> list[str]:
    buffer = SentenceBuffer()
    found = [one for at in range(0, len(text), size) for one in buffer.push(text[at : at + size])]
    return [one for one in (*found, buffer.flush()) if one]


@given(st.text(alphabet=st.sampled_from('ab. !?…\n"»«e.g。 Mr12'), max_size=200), st.integers(1, 9))
def test_what_goes_in_comes_out(text: str, size: int) -> None:
    assert "".join(cut(text, size)) == text


@given(st.text(max_size=3000), st.integers(1, 50))
def test_no_piece_is_much_longer_than_the_limit(text: str, size: int) -> None:
    pieces = cut(text, size)
    assert "".join(pieces) == text
    assert all(len(piece.strip()) <= MAX_CHARACTERS + size for piece in pieces)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello. How are you? Fine!", ["Hello. ", "How are you? ", "Fine!"]),
        ("It costs 3.50 a day. Good.", ["It costs 3.50 a day. ", "Good."]),
        ("Dr. Smith and Mr. J. Doe are in. Ask.", ["Dr. Smith and Mr. J. Doe are in. ", "Ask."]),
        ("Bonjour M. Durand. Comment ça va ? Bien.", ["Bonjour M. Durand. ", "Comment ça va ? ", "Bien."]),
        ('He said "no." Then he left.', ['He said "no." ', "Then he left."]),
        ("Il a dit « oui. » Puis rien.", ["Il a dit « oui. ", "» Puis rien."]),
        ("Wait... what?! Oh.", ["Wait... ", "what?! ", "Oh."]),
        ("One\n\ntwo\nthree", ["One\n\n", "two\n", "three"]),
        ("こんにちは。元気ですか？はい", ["こんにちは。", "元気ですか？", "はい"]),
        ("See example.com/a.b for more", ["See example.com/a.b for more"]),
    ],
)
def test_where_a_sentence_ends(text: str, sentences: list[str]) -> None:
    for size in (1, 3, 1000):
        assert cut(text, size) == sentences


def test_a_sentence_is_let_go_as_soon_as_the_space_behind_it_is_there() -> None:
    buffer = SentenceBuffer()
    assert buffer.push("I am here.") == []
    assert buffer.push(" And") == ["I am here. "]
