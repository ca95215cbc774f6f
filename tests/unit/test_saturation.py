"""How many calls a machine holds, judged from levels of ever more calls."""

import pytest
from worker_speed.saturation import Level, calls_at, common_p95, missing, saturated


def levels(*p95: float, unanswered: int = 0) -> dict[int, Level]:
    """Of 2, 4, 6 and so on calls; the last with unanswered turns."""
    return {
        2 * number: Level(0.8, seconds, 1.0, unanswered if number == len(p95) else 0)
        for number, seconds in enumerate(p95, 1)
    }


def test_calls_are_too_many_where_the_p95_is_half_as_long_again_or_turns_are_lost() -> None:
    assert not saturated({})
    assert not saturated(levels(1.0, 1.2, 1.4))
    assert saturated(levels(1.0, 1.2, 1.5))
    assert saturated(levels(1.0, 1.2, unanswered=1))


def test_they_are_compared_at_the_limit_or_where_that_is_not_reached_at_the_most_calls() -> None:
    assert common_p95(levels(1.0, 1.2, 2.0)) == 1.5
    assert common_p95(levels(1.0, 1.2, 1.4)) == 1.4


@pytest.mark.parametrize(
    ("p95", "seen", "calls"),
    [
        (1.5, levels(1.0, 1.2, 1.8), 5.0),
        (1.5, levels(1.0, 1.2, 1.4), 6.0),
        # one slow level below a quick one was bad luck
        (1.5, levels(1.0, 1.7, 1.4), 6.0),
        (1.5, levels(3.0, 3.2), 1.0),
        (1.5, levels(1.0, 1.2, 1.3, unanswered=2), 4.0),
        (1.5, levels(1.0, unanswered=1), 0.0),
    ],
)
def test_calls_at_a_latency_are_found_between_the_levels(p95: float, seen: dict[int, Level], calls: float) -> None:
    assert calls_at(p95, seen) == pytest.approx(calls)


def test_turns_that_one_caller_had_more_do_not_stand_in_for_those_that_another_lacks() -> None:
    assert missing({0: 1}, {0: 4, 1: 3}, 2, 3) == 0
    assert missing({0: 1}, {0: 9, 1: 1}, 3, 3) == 5
