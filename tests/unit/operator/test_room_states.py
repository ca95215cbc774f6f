"""How often rooms are asked for, and when an agent is called: also for any order in which things happen."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from voiceagent_operator.room_states import (
    ALONE_SECONDS,
    LONGEST_SECONDS,
    MOST_QUESTIONS,
    RoomState,
    called,
    listed,
    next_look,
    not_called,
    told_who,
    told_whose,
)


def ours(now: float = 0.0) -> RoomState:
    return told_whose(RoomState(people=1), "mine", now)


def alone(since: float = 0.0) -> RoomState:
    return told_who(ours(), person=True, agent=False, now=since)


def calls_at(state: RoomState, seconds: int) -> list[int]:
    """When an agent is called for somebody who stays alone, looked at each second."""
    found = []
    for now in range(seconds):
        if next_look({"r": state}, float(now)).call:
            found.append(now)
            state = called(state, float(now))
    return found


def test_a_person_alone_gets_a_call_after_five_seconds_and_then_ever_more_seldom() -> None:
    assert calls_at(alone(), 300) == [5, 10, 20, 40, 80, 140, 200, 260]


def test_whose_a_room_is_is_asked_first_and_of_rooms_of_others_ever_more_seldom() -> None:
    state, asked = RoomState(people=1), []
    for now in range(300):
        look = next_look({"r": state}, float(now))
        assert not look.who
        assert not look.call
        if look.whose:
            asked.append(now)
            state = told_whose(state, None, float(now))
    assert asked == [0, 2, 6, 14, 30, 62, 122, 182, 242]


def test_a_room_with_an_agent_is_asked_seldom_and_at_once_when_somebody_comes_or_goes() -> None:
    served = told_who(ours(), person=True, agent=True, now=0.0)
    assert not next_look({"r": served}, 9.0).who
    assert next_look({"r": served}, 10.0).who == ("r",)
    assert next_look(listed({"r": served}, {"r": 2}), 2.0).who == ("r",)
    assert not next_look(listed({"r": served}, {"r": 1}), 2.0).who


def test_a_room_that_is_gone_or_empty_is_forgotten() -> None:
    states = listed({}, {"a": 1, "b": 2, "c": 0})
    assert set(states) == {"a", "b"}
    assert listed(states, {"b": 0, "d": 1}) == {"d": RoomState(people=1)}


def test_an_agent_that_leaves_at_once_is_not_called_at_once_again() -> None:
    state = called(called(alone(), 5.0), 10.0)
    state = told_who(state, person=True, agent=True, now=11.0)
    state = told_who(state, person=True, agent=False, now=12.0)
    assert not next_look({"r": state}, 19.0).call
    assert next_look({"r": state}, 20.0).call == ("r",)


def test_an_agent_that_stayed_for_a_minute_leaves_a_room_as_if_it_never_needed_help() -> None:
    state = replace(called(alone(), 5.0), calls=7)
    state = told_who(state, person=True, agent=True, now=6.0)
    state = told_who(state, person=True, agent=True, now=66.0)
    state = told_who(state, person=True, agent=False, now=67.0)
    assert next_look({"r": state}, 72.0).call == ("r",)


def test_where_nobody_is_to_be_called_the_five_seconds_begin_anew() -> None:
    state = not_called(alone(), 5.0)
    assert not next_look({"r": state}, 9.0).call
    assert next_look({"r": state}, 10.0).call == ("r",)
    assert next_look({"r": told_whose(alone(), None, 5.0)}, 60.0).call == ()


def test_one_look_asks_a_bounded_number_and_those_without_an_agent_first() -> None:
    served = told_who(ours(), person=True, agent=True, now=0.0)
    states = {f"served-{number}": served for number in range(3 * MOST_QUESTIONS)} | {"alone": alone()}
    look = next_look(states, 60.0)
    assert look.who[0] == "alone"
    assert len(look.who) == MOST_QUESTIONS


steps = st.lists(
    st.tuples(
        st.sampled_from(["wait", "person", "agent", "both", "nobody", "gone", "foreign", "ours"]),
        st.floats(0.1, 30.0),
    ),
    max_size=60,
)


@given(steps)
def test_whatever_happens_one_call_at_a_time_is_made_and_none_where_an_agent_is(steps: list[tuple[str, float]]) -> None:
    states: dict[str, RoomState] = {}
    now, last_call, calls = 0.0, float("-inf"), 0
    for what, seconds in steps:
        now += seconds
        states = listed(states, {} if what == "gone" else {"r": 1})
        if what == "gone":
            assert next_look(states, now) == next_look({}, now)
            last_call, calls = float("-inf"), 0
            continue
        if what in ("person", "agent", "both", "nobody"):
            person, agent = what in ("person", "both"), what in ("agent", "both")
            states["r"] = told_who(states["r"], person=person, agent=agent, now=now)
        elif what in ("foreign", "ours"):
            states["r"] = told_whose(states["r"], "mine" if what == "ours" else None, now)
        state = states["r"]
        if state.calls == 0:
            last_call, calls = float("-inf"), 0
        for _ in range(2):  # a second look at the same time finds nothing to call any more
            if not next_look(states, now).call:
                continue
            assert state.agent_name
            assert state.served_since is None
            assert state.alone_since is not None
            assert now - state.alone_since >= ALONE_SECONDS
            assert now - last_call >= min(LONGEST_SECONDS, ALONE_SECONDS * 2 ** (calls - 1)) - 1e-6
            states["r"] = state = called(state, now)
            last_call, calls = now, calls + 1
