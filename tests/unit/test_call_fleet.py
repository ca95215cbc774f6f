"""What is said of calls that were held while something changed."""

import pytest
from call_fleet import Turn, percentile, summarise


def turn(caller: int, seconds: float | None = 1.0, agent: str | None = "agent-a", trouble: str = "") -> Turn:
    return Turn(caller, 0.0, seconds, agent, trouble)


def test_calls_that_went_well_have_only_latencies() -> None:
    report = summarise([turn(0, 1.0), turn(0, 3.0), turn(1, 2.0, "agent-b")], [])
    assert (report.turns, report.unanswered, report.dropped) == (3, (), ())
    assert report.p95_seconds == pytest.approx(2.9)


def test_a_turn_without_an_answer_and_a_call_that_broke_off_are_told_with_why() -> None:
    report = summarise([turn(0), turn(1, None, trouble="no answer within 45 s")], [(0, "the agent left")])
    assert report.unanswered == ("caller 1: no answer within 45 s",)
    assert report.dropped == ("caller 0: the agent left",)


def test_another_agent_in_a_call_counts_as_a_dropped_one() -> None:
    assert summarise([turn(0), turn(0, agent="agent-z")], []).dropped == ("caller 0 got another agent",)


def test_a_percentile_of_few_values_is_one_of_them() -> None:
    assert (percentile([], 0.95), percentile([2.0], 0.95)) == (0.0, 2.0)
