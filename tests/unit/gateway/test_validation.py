"""What a caller may ask for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_gateway.problems import ProblemError
from voiceagent_gateway.validation import parse_token_body

ALPHABET = "abcXYZ019._-:"
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
KEYS = ("room_name", "roomConfig", "room_config", "agents", "agent_name", "metadata", "egress")
bodies = st.recursive(
    json_values,
    lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=10,
)


@given(st.text(ALPHABET, min_size=1, max_size=128))
def test_every_name_within_the_rule_is_taken(name: str) -> None:
    request = parse_token_body({"room_name": name, "participant_identity": name}, None)

    assert (request.room, request.identity) == (name, name)


@given(st.text(min_size=1, max_size=140).filter(lambda text: set(text) - set(ALPHABET) or len(text) > 128))
def test_a_name_is_taken_only_within_the_rule(name: str) -> None:
    try:
        request = parse_token_body({"room_name": name}, None)
    except ProblemError as problem:
        assert problem.errors[0].field == "room_name"
    else:
        assert request.room is not None
        assert request.room.isascii()
        assert len(request.room) <= 128
        assert not set(request.room) & set(" /\\?#&=%+\n\x00")


@given(bodies)
def test_any_body_is_either_understood_or_refused_with_a_reason(body: object) -> None:
    try:
        parse_token_body(body, None)
    except ProblemError as problem:
        assert problem.status == 400
        assert problem.errors
        assert all(error.field and error.rule for error in problem.errors)


@pytest.mark.parametrize("size", [2048, 2049])
def test_free_texts_are_bounded_by_their_bytes(size: int) -> None:
    attributes = {"k": "x" * (size - 1)}
    if size <= 2048:
        assert parse_token_body({"participant_attributes": attributes}, None).attributes == attributes
    else:
        with pytest.raises(ProblemError, match="participant_attributes must have at most 2048 bytes"):
            parse_token_body({"participant_attributes": attributes}, None)
