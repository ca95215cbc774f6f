"""The history that a metrics store tells."""

from collections.abc import Sequence
from typing import Any

import pytest
from voiceagent_gateway.discovery import agent_from_object
from voiceagent_gateway.history.latencies import PERCENT, STAGES
from voiceagent_gateway.history.promql import Query, Series, agents_of, queries
from voiceagent_gateway.history.question import Question, Span

SPAN = Span(600_000, 1_800_000, 600)


def line(value: str, at: float = 1200.0, **labels: str) -> Series:
    """One series of the agent default/a with one value."""
    return Series({"namespace": "default", "agent": "a", **labels}, [(at, value)])


def answers(**values: Sequence[Series]) -> list[tuple[Query, Sequence[Series]]]:
    """The queries with these answers, and with none for the others."""
    asked = queries(Question(SPAN.start, SPAN.end, SPAN.step), SPAN)
    return [(query, values.get(query.of, ())) for query in asked]


def test_every_stage_is_asked_for_every_percentile() -> None:
    asked = queries(Question(SPAN.start, SPAN.end, SPAN.step), SPAN)

    assert {(query.of, query.percent) for query in asked if query.percent} == {(s, p) for s in STAGES for p in PERCENT}
    assert all("[600s" in query.text for query in asked)


def test_one_agent_is_chosen_in_every_query() -> None:
    asked = queries(Question(SPAN.start, SPAN.end, SPAN.step, ("default", "a")), SPAN)

    assert all('{namespace="default",agent="a"}' in query.text for query in asked)


def test_answers_become_points_of_the_step_before() -> None:
    (agent,) = agents_of(
        answers(
            active_max=[line("3")],
            active_mean=[line("1.2345")],
            started=[line("2.07")],
            ended=[line("1.03", outcome="completed"), line("0", outcome="error")],
            turns=[line("7.9")],
            e2e=[line("0.9")],
        ),
        SPAN,
    )

    (point,) = agent.points
    assert (agent.namespace, agent.agent, agent.test) == ("default", "a", False)
    assert (point.start, point.active_max, point.active_mean) == (600_000, 3, 1.234)
    assert (point.started, point.ended, point.turns) == (2, {"completed": 1}, 8)
    assert point.latencies[0] == (900.0, 900.0, 900.0)
    assert list(point.latencies[1:]) == [None, None, None]


def test_points_are_in_their_order_and_agents_too() -> None:
    later, sooner = line("1", at=1800.0), line("1", at=1200.0)
    other = Series({"namespace": "b", "agent": "b"}, [(1200.0, "1")])

    found = agents_of(answers(started=[other, later, sooner]), SPAN)

    assert [(agent.namespace, [point.start for point in agent.points]) for agent in found] == [
        ("b", [600_000]),
        ("default", [600_000, 1_200_000]),
    ]


@pytest.mark.parametrize("nothing", ["0", "NaN", "+Inf", "0.0001"])
def test_steps_in_which_nothing_was_are_left_out(nothing: str) -> None:
    assert agents_of(answers(active_mean=[line(nothing)], started=[line(nothing)]), SPAN) == []


def test_a_percentile_that_is_no_number_is_none() -> None:
    (agent,) = agents_of(answers(started=[line("1")], stt=[line("NaN")]), SPAN)

    assert list(agent.points[0].latencies) == [None] * 4


@pytest.mark.parametrize(("spec", "hours"), [({}, 168), ({"metrics": {"retentionHours": 24}}, 24)])
def test_an_agent_says_for_how_long_its_history_is_kept(spec: dict[str, Any], hours: int) -> None:
    agent = agent_from_object({"metadata": {"namespace": "default", "name": "a"}, "spec": spec})

    assert agent is not None
    assert agent.retention_hours == hours
