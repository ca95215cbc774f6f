"""The parts of the simulated day that need no cluster."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

import pytest
from busy_day.clock import DayClock, a_day_in
from busy_day.curve import Call, a_day, callers_at_once, mean_calls, refused_by
from busy_day.exchange import Exchange
from busy_day.picture import draw, refused_each
from busy_day.run import Sample
from busy_day.summary import changes, reaction_seconds, waste
from hypothesis import given
from hypothesis import strategies as st


def sample(hour: float, *, active: int = 0, refused: int = 0, pods: int = 10, serving: int = 10) -> Sample:
    return Sample(hour * 60, hour, active, active, refused, pods, serving, pods)


def test_the_day_is_the_same_each_time_and_reaches_two_thousand_calls() -> None:
    calls = a_day()
    assert calls == a_day() != a_day(seed=1)
    minutes = [minute / 60 for minute in range(24 * 60)]
    at_once = callers_at_once(calls, minutes)
    assert 1900 <= max(at_once) <= 2100
    for hour in (4, 9, 11, 13, 15, 18):
        assert at_once[hour * 60] == pytest.approx(mean_calls(hour), rel=0.15, abs=40)


def test_those_who_find_all_places_taken_are_refused() -> None:
    calls = [Call(0.0, 2.0), Call(0.5, 1.0), Call(0.6, 3.0), Call(1.5, 2.5)]
    assert [refused_by(calls, places) for places in (1, 2, 3)] == [3, 1, 0]


@given(st.floats(5, 60), st.floats(0, 23), st.lists(st.floats(0, 4000), min_size=2))
def test_the_clock_never_goes_back_and_ends_at_midnight(minutes: float, begin: float, moments: list[float]) -> None:
    clock = DayClock(a_day_in(minutes, 19.9, 20.1), begin)
    hours = [clock.at(moment)[0] for moment in sorted(moments)]
    assert hours == sorted(hours)
    assert clock.at(clock.seconds + 1)[0] == 24
    assert DayClock(a_day_in(minutes, 19.9, 20.1)).seconds == pytest.approx(minutes * 60 + 0.2 * 3600)


CALLS = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3)), max_size=60)


@given(CALLS, st.sets(st.sampled_from("abc")))
def test_no_pod_has_more_calls_than_it_takes_and_one_that_drains_gets_none(
    times: Sequence[tuple[float, float]], draining: set[str]
) -> None:
    exchange = Exchange(capacity=2)
    for name in "abc":
        pod = exchange.add(name)
        pod.registered, pod.draining = True, name in draining
    for at, length in sorted(times):
        exchange.call(Call(at, at + length))
        assert all(len(pod.talks) <= (0 if pod.draining else 2) for pod in exchange.pods.values())
        assert exchange.active == sum(len(pod.talks) for pod in exchange.pods.values())
    assert exchange.answered + exchange.refused == len(times)
    exchange.pass_time(20)
    assert (exchange.active, exchange.callers, exchange.cut) == (0, 0, 0)


def test_calls_on_a_pod_that_is_deleted_are_cut() -> None:
    exchange = Exchange(capacity=2)
    exchange.add("a").registered = True
    exchange.call(Call(0, 1))
    exchange.remove("a")
    assert (exchange.cut, exchange.active) == (1, 0)


def test_what_is_paid_for_and_empty_is_wasted() -> None:
    samples = [sample(0, active=50), sample(1, active=100), sample(2)]
    assert waste(samples, [10, 20, 1]) == pytest.approx(0.5)


def test_the_reaction_counts_from_the_need_of_a_pod_to_its_first_moment_of_service() -> None:
    samples = [sample(0), sample(1, active=15, serving=10), sample(2, active=15, serving=12)]
    assert reaction_seconds(samples) == [60.0, 60.0]
    assert changes([10, 12, 11, 15]) == (2, 1)


def test_the_picture_is_well_formed_and_says_that_it_is_simulated() -> None:
    samples = [sample(0), sample(10, active=90, refused=4), sample(20.01, active=50, refused=6), sample(24, refused=6)]
    assert refused_each(samples) == {0: 0, 10: 4, 20: 2, 24: 0}
    drawn = ElementTree.fromstring(draw(samples, (19.99, 20.05), "A test."))
    assert any("Simulated" in (text.text or "") for text in drawn.iter("{http://www.w3.org/2000/svg}text"))
