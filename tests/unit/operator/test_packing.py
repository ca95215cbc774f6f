"""Objects, packed and unpacked."""

import zlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from voiceagent_operator.packing import WINDOW_BYTES, Packer

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcXY", max_size=4), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.builds(lambda name, spec: {"metadata": {"name": name}, "spec": spec}, st.text("abc", min_size=1), VALUES)


@given(st.lists(BODIES, min_size=1, max_size=5))
def test_what_was_packed_is_unpacked(bodies: list[dict[str, Any]]) -> None:
    packer = Packer()
    packed = [packer.pack(body) for body in bodies]
    assert [packer.unpack(one) for one in packed] == bodies
    assert [packer.pack(body) for body in bodies] == packed


def test_what_objects_have_in_common_is_kept_once() -> None:
    packer, words = Packer(), " ".join(f"word{number}" for number in range(500))
    first, second = (packer.pack({"metadata": {"name": name}, "spec": words}) for name in ("one", "two"))
    assert len(second) * 4 < len(zlib.compress(words.encode(), 1))
    assert packer.unpack(second)["metadata"]["name"] == "two"
    assert packer.unpack(first)["spec"] == words


def test_an_object_beyond_what_zlib_looks_back_at() -> None:
    packer = Packer()
    large = [{"metadata": {"name": name}, "spec": f"{name}1234567" * WINDOW_BYTES} for name in ("one", "two")]
    packed = [packer.pack(body) for body in large]
    assert [packer.unpack(one) for one in packed] == large


def test_who_wrote_an_object_is_left_out() -> None:
    packer = Packer()
    writer = {"manager": "somebody", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    body = {"metadata": {"name": "one", "managedFields": [writer]}}
    assert packer.unpack(packer.pack(body)) == {"metadata": {"name": "one"}}
