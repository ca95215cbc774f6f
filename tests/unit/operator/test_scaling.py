"""How many pods the calls need, whatever the calls do."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_operator.scaling import Decision, Limits, Load, Needs, decide, needed_replicas

LIMITS = Limits(min_replicas=1, max_replicas=20, sessions_per_replica=10, warm_sessions=2, window_seconds=300)


@st.composite
def some_limits(draw: st.DrawFn) -> Limits:
    least = draw(st.integers(0, 5))
    most = draw(st.integers(max(1, least), 12))
    per = draw(st.integers(1, 10))
    warm = draw(st.integers(0, per * most)) if least else 0
    return Limits(least, most, per, warm, draw(st.sampled_from([0.0, 5.0, 60.0])))


LOADS = st.builds(
    Load,
    active=st.integers(0, 200),
    waiting=st.integers(0, 5),
    unread=st.sampled_from([(), ("default/pod",)]),
    unregistered=st.sampled_from([(), (), ("default/pod",)]),
)
STEPS = st.lists(st.tuples(st.floats(0.1, 40.0), LOADS), min_size=1, max_size=40)


def follow(limits: Limits, steps: list[tuple[float, Load]], current: int) -> list[tuple[float, Load, int, Decision]]:
    """Each step: when, the load, how many pods there were, what was decided."""
    now, needs, told = 0.0, None, []
    for pause, load in steps:
        now += pause
        decision = decide(load, limits, current, needs, now)
        told.append((now, load, current, decision))
        current, needs = decision.replicas, decision.needs
    return told


@pytest.mark.parametrize(
    ("active", "warm", "expected"),
    [(0, 0, 1), (0, 2, 1), (8, 2, 1), (9, 2, 2), (10, 0, 1), (11, 0, 2), (198, 2, 20), (199, 2, 20), (1000, 2, 20)],
)
def test_places_for_all_calls_and_the_warm_ones_within_the_limits(active: int, warm: int, expected: int) -> None:
    assert needed_replicas(Load(active), replace(LIMITS, warm_sessions=warm)) == expected


def test_an_agent_without_calls_sleeps_and_one_caller_wakes_it() -> None:
    sleepy = replace(LIMITS, min_replicas=0, warm_sessions=0)
    assert needed_replicas(Load(0), sleepy) == 0
    assert needed_replicas(Load(0, waiting=1), sleepy) == 1


def test_more_pods_come_at_once_and_go_after_the_window() -> None:
    up = decide(Load(55), LIMITS, 1, None, 0.0)
    assert up.replicas == 6
    still = decide(Load(5), LIMITS, 6, up.needs, 10.0)
    assert still.replicas == 6
    assert still.look_again_seconds == pytest.approx(300)
    later = decide(Load(5), LIMITS, 6, still.needs, 309.0)
    assert (later.replicas, later.look_again_seconds) == (6, pytest.approx(1))
    assert decide(Load(5), LIMITS, 6, later.needs, 310.0).replicas == 1


def test_pods_go_down_to_what_was_most_needed_within_the_window() -> None:
    first = decide(Load(95), LIMITS, 10, Needs(10), 0.0)
    second = decide(Load(45), LIMITS, 10, first.needs, 100.0)
    third = decide(Load(5), LIMITS, 10, second.needs, 200.0)
    assert decide(Load(5), LIMITS, 10, third.needs, 401.0).replicas == 5
    fourth = decide(Load(5), LIMITS, 5, third.needs, 401.0)
    assert decide(Load(5), LIMITS, 5, fourth.needs, 501.0).replicas == 1


def test_an_operator_that_has_just_started_takes_nothing_away() -> None:
    first = decide(Load(0), LIMITS, 7, None, 1000.0)
    assert first.replicas == 7
    assert decide(Load(0), LIMITS, 7, first.needs, 1299.0).replicas == 7
    assert decide(Load(0), LIMITS, 7, first.needs, 1300.0).replicas == 1


@pytest.mark.parametrize("unknown", [{"unread": ("default/a",)}, {"unregistered": ("default/a",)}])
def test_nothing_goes_while_calls_cannot_be_read_or_livekit_is_away(unknown: dict[str, tuple[str, ...]]) -> None:
    held = decide(Load(0, **unknown), LIMITS, 7, Needs(1), 5000.0)
    assert (held.replicas, held.held) == (7, True)
    assert decide(Load(85, **unknown), LIMITS, 7, Needs(1), 5000.0).replicas == 9


def test_limits_hold_also_while_nothing_can_be_read() -> None:
    lowered = replace(LIMITS, max_replicas=3)
    assert decide(Load(0, unread=("default/a",)), lowered, 7, Needs(7), 0.0).replicas == 3


@given(some_limits(), STEPS, st.integers(0, 15))
def test_the_number_is_always_within_the_limits(limits: Limits, steps: list[tuple[float, Load]], current: int) -> None:
    for _, _, _, decision in follow(limits, steps, current):
        assert limits.min_replicas <= decision.replicas <= limits.max_replicas


@given(some_limits(), STEPS, st.integers(0, 15))
def test_calls_never_lack_a_place_that_the_limits_allow(
    limits: Limits, steps: list[tuple[float, Load]], current: int
) -> None:
    for _, load, _, decision in follow(limits, steps, current):
        assert decision.replicas >= needed_replicas(load, limits)


@given(some_limits(), STEPS, st.integers(0, 15))
def test_more_pods_come_only_for_calls_that_are_known(
    limits: Limits, steps: list[tuple[float, Load]], current: int
) -> None:
    for _, load, was, decision in follow(limits, steps, current):
        if decision.replicas > max(was, limits.min_replicas):
            assert decision.replicas == needed_replicas(load, limits)


@given(some_limits(), STEPS, st.integers(1, 12))
def test_it_does_not_flap_pods_go_only_a_window_after_they_were_last_needed(
    limits: Limits, steps: list[tuple[float, Load]], current: int
) -> None:
    told = follow(limits, steps, min(max(current, limits.min_replicas), limits.max_replicas))
    for index, (now, _, was, decision) in enumerate(told):
        if decision.replicas < was:
            recent = [
                needed_replicas(load, limits) for at, load, _, _ in told[:index] if at > now - limits.window_seconds
            ]
            assert decision.replicas >= max(recent, default=0)
            raised = [at for at, _, before, then in told[:index] if then.replicas > before]
            assert not raised or now - raised[-1] >= limits.window_seconds or limits.window_seconds == 0


@given(some_limits(), LOADS, st.integers(0, 12), st.floats(1.0, 1000.0))
def test_the_same_calls_settle_on_one_number(limits: Limits, load: Load, current: int, pause: float) -> None:
    pauses = [(pause, load), (limits.window_seconds + 1, load), (1.0, load), (limits.window_seconds + 1, load)]
    numbers = [decision.replicas for _, _, _, decision in follow(limits, pauses, current)]
    assert numbers[-1] == numbers[-2]


@given(some_limits(), STEPS, st.integers(0, 15))
def test_what_is_remembered_stays_small_and_in_order(
    limits: Limits, steps: list[tuple[float, Load]], current: int
) -> None:
    for _, _, _, decision in follow(limits, steps, current):
        earlier = decision.needs.earlier
        assert [number for _, number in earlier] == sorted({number for _, number in earlier}, reverse=True)
        assert len(earlier) <= max(limits.max_replicas, 15)
