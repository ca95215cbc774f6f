"""What a caller may do, and which names a person may have."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_gateway.display_names import fault_of
from voiceagent_gateway.identity import ANYBODY, Identity, Scope, agent_matches, default_room, denial, matches
from voiceagent_gateway.model import AgentRef

RECEPTIONIST = AgentRef("default", "receptionist", "default-receptionist")


@given(st.text("ab*", max_size=12), st.text("ab", max_size=12))
def test_a_pattern_matches_as_a_shell_would(pattern: str, text: str) -> None:
    assert matches(pattern, text) == fnmatch.fnmatchcase(text, pattern)


def test_a_pattern_of_many_stars_costs_no_time() -> None:
    assert not matches("*a" * 45 + "*b", "a" * 128)


@pytest.mark.parametrize(
    ("pattern", "agent", "match"),
    [
        ("*", "default/receptionist", True),
        ("*/*", "default/receptionist", True),
        ("default/*", "default/receptionist", True),
        ("default/rec*st", "default/receptionist", True),
        ("default/receptionist", "default/receptionist", True),
        ("default/receptionist", "default/receptionist2", False),
        ("def*", "default/receptionist", False),
        ("def*/x", "default/receptionist", False),
        ("default/*", "default2/receptionist", False),
    ],
)
def test_a_star_crosses_no_slash(pattern: str, agent: str, match: bool) -> None:
    assert agent_matches(pattern, agent) is match


def test_two_scopes_never_mix() -> None:
    identity = Identity("x", (Scope(("a/*",), ("lobby",)), Scope(("b/*",), ("cellar-*",))))

    assert denial(identity, "a/x", "lobby") is None
    assert denial(identity, "b/x", "cellar-1") is None
    assert denial(identity, "a/x", "cellar-1") == "may not use room cellar-1 with VoiceAgent a/x; its rooms are lobby"
    assert denial(identity, "c/x", "lobby") == "may not call VoiceAgent c/x"


def test_a_room_left_out_is_one_that_the_caller_may_use() -> None:
    def room(*patterns: str) -> str | None:
        return default_room(Identity("x", (Scope(("*",), patterns),)), RECEPTIONIST, lambda: "id")

    assert default_room(ANYBODY, RECEPTIONIST, lambda: "id") == "receptionist-id"
    assert room("lobby", "support-*-*") == "support-id-"
    assert room("lobby") is None
    assert room() is None


@given(st.lists(st.from_regex(r"[a-z*-]{1,10}", fullmatch=True), max_size=4))
def test_a_room_made_up_is_always_within_the_scope(patterns: list[str]) -> None:
    identity = Identity("x", (Scope(("*",), tuple(patterns)),))

    room = default_room(identity, RECEPTIONIST, lambda: "0123abcd")

    assert room is None or denial(identity, RECEPTIONIST.reference, room) is None


@pytest.mark.parametrize("name", ["Anna Smith", "Jürgen", "Анна (Anna)", "王小明", "أحمد", "Nguyễn Văn", "Anna 2 🎧"])
def test_names_of_people_are_taken(name: str) -> None:
    assert fault_of(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "bell\u0007", "line\nbreak", "a\u200bb", "a\u202eb", "a\u2066b", "\u3164", "a\u2800", "e\u0301", "a\ufe0f",
        "аdmin", "Αnna", "ａdmin", "𝐀nna", "a\u0300\u0301\u0302\u0303\u0304",
    ],
)  # fmt: skip
def test_names_that_deceive_are_refused(name: str) -> None:
    assert fault_of(name) is not None
