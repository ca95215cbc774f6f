"""What was said, as encrypted text."""

import base64

from hypothesis import example, given
from hypothesis import strategies as st
from voiceagent_worker.memory import (
    MAX_LENGTH,
    MAX_REMARK_BYTES,
    MAX_REMARKS,
    NONCE_BYTES,
    Remark,
    decode,
    encode,
    memory_key,
)

KEY = memory_key("a control token")
NONCE = bytes(NONCE_BYTES)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
REMARKS = st.lists(st.builds(Remark, role=st.sampled_from(["user", "assistant"]), text=TEXTS), max_size=30)
LONG_TEXTS = st.binary(min_size=500, max_size=4000).map(lambda data: data.decode("latin-1"))
LONG = st.lists(st.builds(Remark, role=st.just("user"), text=LONG_TEXTS), max_size=20)


@given(REMARKS, st.text(st.characters(exclude_categories=["Cs"])), st.binary(min_size=12, max_size=12))
def test_what_was_said_comes_back_as_it_was_in_the_same_room(remarks: list[Remark], room: str, nonce: bytes) -> None:
    if sum(len(remark.text) for remark in remarks) < 200:
        assert decode(encode(remarks, KEY, room, nonce), KEY, room) == tuple(remarks)


@given(st.one_of(REMARKS, LONG))
@example([Remark("user", "x" * 1_000_000)] * 300)
def test_text_is_never_too_long_and_what_is_left_out_is_the_oldest(remarks: list[Remark]) -> None:
    text = encode(remarks, KEY, "room", NONCE)
    assert len(text) <= MAX_LENGTH
    kept = decode(text, KEY, "room")
    assert kept is not None and len(kept) <= MAX_REMARKS
    for remark, original in zip(reversed(kept), reversed(remarks), strict=False):
        assert len(remark.text.encode()) <= MAX_REMARK_BYTES
        assert remark.role == original.role and original.text.startswith(remark.text)


def test_newest_of_many_remarks_are_kept() -> None:
    remarks = [Remark("user", f"This is what I said as number {n}.") for n in range(500)]
    kept = decode(encode(remarks, KEY, "room", NONCE), KEY, "room")
    assert kept == tuple(remarks[-MAX_REMARKS:])


@given(st.data())
def test_changed_text_is_no_memory(data: st.DataObject) -> None:
    sealed = bytearray(base64.b64decode(encode([Remark("user", "My name is Ann.")], KEY, "room", NONCE)))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    assert decode(base64.b64encode(sealed).decode(), KEY, "room") is None


@given(st.text())
def test_anything_else_is_no_memory(text: str) -> None:
    assert decode(text, KEY, "room") is None


def test_memory_of_another_room_or_another_agent_cannot_be_read() -> None:
    text = encode([Remark("user", "My name is Ann.")], KEY, "room", NONCE)
    assert decode(text, KEY, "another room") is None
    assert decode(text, memory_key("another token"), "room") is None
    assert "Ann" not in text and b"Ann" not in base64.b64decode(text)


def test_text_that_is_no_unicode_spoils_nothing() -> None:
    assert decode(encode([Remark("user", "a\ud800b")], KEY, "room", NONCE), KEY, "room") == (Remark("user", "a?b"),)
