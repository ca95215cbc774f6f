"""The fleet at a glance: what is shown of each agent, and what needs attention first."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from voiceagent_api.running import Budget
from voiceagent_api.status import Condition, Usage
from voiceagent_api.worker_status import SessionRecord, TurnRecord, WorkerStatus
from voiceagent_gateway.model import AgentRef, PastSession, PodRef, PodView
from voiceagent_gateway.overview.picture import LIVE_MAX, Seen, document, picture

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


def condition(type_: str, status: str, message: str = "A sentence.") -> Condition:
    return Condition(
        type=type_, status=status, reason="Because", message=message, last_transition_time="2026-05-04T12:00:00Z"
    )


AGENT = AgentRef(
    "default",
    "receptionist",
    "default-receptionist",
    ready_replicas=1,
    ready_summary="1/1",
    most_pods=2,
    conditions=(condition("Ready", "True"), condition("Stalled", "False"), condition("Reconciling", "False")),
    revision="r2",
)


def pod(name: str = "a", revision: str = "r2", **fields: Any) -> PodRef:
    values: dict[str, Any] = {"phase": "Running", "ready": True, "address": "10.0.0.1", **fields}
    return PodRef(name, "default", name, "receptionist", revision, **values)


def call(id_: str = "s", outcome: str = "active", waits: tuple[float, ...] = (), minutes: int = 5) -> SessionRecord:
    return SessionRecord.model_validate(
        {
            "id": id_,
            "room": f"room-{id_}",
            "started_at": NOW - timedelta(minutes=minutes),
            "ended_at": None if outcome == "active" else NOW - timedelta(minutes=1),
            "config_revision": "c",
            "outcome": outcome,
            "turns": [TurnRecord(at=NOW - timedelta(minutes=2), e2e_milliseconds=wait) for wait in waits],
        }
    )


def view(of: PodRef, *calls: SessionRecord, error: str | None = None, **status: Any) -> PodView:
    values: dict[str, Any] = {"registered": True, "draining": False, "session_capacity": 3, **status}
    told = WorkerStatus(
        namespace=of.namespace,
        agent=of.agent,
        agent_name="x",
        pod=of.name,
        revision=of.revision,
        config_revision="c",
        sessions=list(calls),
        **values,
    )
    return PodView(of, told, NOW, error=error, failures=int(error is not None))


def see(
    *views: PodView,
    agents: tuple[AgentRef, ...] = (AGENT,),
    past: tuple[PastSession, ...] = (),
    usage: Callable[[AgentRef], Usage] = lambda _: Usage(),
) -> list[Seen]:
    return picture(agents, [one.pod for one in views], views, past, usage, NOW)


def codes(seen: Seen) -> list[tuple[str, str]]:
    return [(found.severity, found.code) for found in seen.attention]


def with_condition(type_: str, status: str, **fields: Any) -> AgentRef:
    others = tuple(one for one in AGENT.conditions if one.type != type_)
    return replace(AGENT, conditions=(*others, condition(type_, status)), **fields)


def test_an_agent_that_serves_is_healthy_and_needs_nothing() -> None:
    (seen,) = see(view(pod(), call("a", waits=(900.0, 1100.0)), call("b", "user_left")))

    shown = seen.document
    assert (shown.health, seen.attention) == ("healthy", ())
    assert (shown.sessions, shown.capacity, shown.ended) == (1, 3, {"user_left": 1})
    assert (shown.latency.e2e_p50, shown.latency.e2e_p95, shown.latency.turns) == (900.0, 1100.0, 2)
    assert next((one.type, one.status, one.reason) for one in shown.conditions) == ("Ready", "True", "Because")
    assert [(one.room, one.pod, one.turns, one.e2e) for one in shown.live] == [("room-a", "a", 2, 1000.0)]


def test_pods_that_drain_take_no_calls_and_are_told_with_their_deadline() -> None:
    old = pod("old", "r1", terminating=True, deadline="2026-05-04T13:30:00Z")
    (seen,) = see(view(old, call("a"), call("b")), view(pod("new")))

    shown = seen.document
    assert [(one.name, one.state, one.sessions, one.deadline) for one in shown.pods] == [
        ("old", "draining", 2, "2026-05-04T13:30:00Z"),
        ("new", "ready", 0, None),
    ]
    assert (shown.sessions, shown.capacity) == (2, 3)
    assert [(one.revision, one.pods, one.sessions) for one in shown.draining] == [("r1", 1, 2)]
    assert [(one.revision, one.current, one.ready) for one in shown.revisions] == [("r2", True, 1), ("r1", False, 0)]
    assert codes(seen) == []


def test_calls_that_a_deadline_is_about_to_end_need_a_look() -> None:
    old = pod("old", "r1", terminating=True, deadline="2026-05-04T12:34:00Z")
    (seen,) = see(view(old, call("a")), view(pod("new")))

    assert codes(seen) == [("warning", "drain-ends")]
    assert "1 call on draining pods" in seen.attention[0].message


@pytest.mark.parametrize(
    ("agent", "expected", "health"),
    [
        (with_condition("Ready", "False", ready_replicas=0), [("critical", "not-ready")], "failing"),
        (with_condition("Ready", "False"), [("warning", "partly-ready")], "degraded"),
        (with_condition("Stalled", "True"), [("critical", "stalled")], "failing"),
        (with_condition("ProvidersReady", "False"), [("warning", "provider-refuses")], "degraded"),
        (with_condition("ProvidersReady", "Unknown"), [], "healthy"),
        (with_condition("ConfigSynced", "False"), [("warning", "config-not-synced")], "degraded"),
        (with_condition("ScalingActive", "False"), [("warning", "not-scaling")], "degraded"),
        (with_condition("ScalingActive", "False", suspended=True), [("info", "suspended")], "suspended"),
        (with_condition("BudgetOK", "False"), [("warning", "budget-exceeded")], "degraded"),
        (
            with_condition("BudgetOK", "False", budget=Budget(per_day="1.00", on_exceeded="Refuse")),
            [("critical", "budget-refuses")],
            "failing",
        ),
        (with_condition("Reconciling", "True"), [("info", "reconciling")], "healthy"),
        (replace(AGENT, conditions=()), [("warning", "not-reconciled")], "degraded"),
    ],
)
def test_what_a_condition_says_is_weighed(agent: AgentRef, expected: list[tuple[str, str]], health: str) -> None:
    (seen,) = see(view(pod()), agents=(agent,))

    assert codes(seen) == expected
    assert seen.document.health == health


def test_an_agent_scaled_to_zero_sleeps_and_needs_nothing() -> None:
    (seen,) = see(agents=(replace(AGENT, ready_replicas=0, ready_summary="0/0"),))

    assert (seen.document.health, seen.attention) == ("idle", ())


def test_a_full_agent_needs_a_look_only_where_it_cannot_grow() -> None:
    full = view(pod(), *(call(str(number)) for number in range(3)))

    assert codes(see(full)[0]) == [("info", "growing")]
    (seen,) = see(full, agents=(replace(AGENT, most_pods=1),))
    assert codes(seen) == [("warning", "full")]
    assert seen.attention[0].values == {"sessions": 3, "capacity": 3}


def test_a_pod_that_does_not_answer_is_shown_as_it_was_and_named() -> None:
    (seen,) = see(view(pod(), call("a"), error="it did not answer in time"))

    assert codes(seen) == [("warning", "pods-silent")]
    assert seen.document.pods[0].stale
    assert seen.document.live[0].stale
    assert "a" in seen.attention[0].message


def test_a_pod_that_starts_is_no_reason_to_look() -> None:
    starting = PodView(pod(ready=False), error="it cannot be reached")
    (seen,) = see(starting)

    assert (codes(seen), seen.document.pods[0].state) == ([], "starting")


def test_a_refused_configuration_is_told_in_the_pods_words() -> None:
    (seen,) = see(view(pod(), config_error="no model gpt-x"))

    assert codes(seen) == [("warning", "config-refused")]
    assert seen.attention[0].message.endswith("no model gpt-x")


def test_slow_answers_count_once_there_are_enough_of_them() -> None:
    assert codes(see(view(pod(), call(waits=(9000.0,) * 19)))[0]) == []
    assert codes(see(view(pod(), call(waits=(9000.0,) * 20)))[0]) == [("warning", "slow")]


def test_failed_calls_count_by_their_share() -> None:
    good = [call(f"g{number}", "completed") for number in range(38)]
    bad = [call("b1", "error"), call("b2", "crashed")]

    assert codes(see(view(pod(), *good, *bad))[0]) == [("warning", "calls-failed")]
    more = [call(f"m{number}", "completed") for number in range(10)]
    assert codes(see(view(pod(), *good, *more, *bad))[0]) == []


def test_an_agent_that_was_deleted_is_shown_while_its_pods_finish_their_calls() -> None:
    left = pod("left", terminating=True, deadline="2026-05-04T13:30:00Z")
    (seen,) = see(view(left, call("a")), agents=())

    assert (seen.document.name, seen.document.health) == ("receptionist", "deleted")
    assert codes(seen) == [("info", "deleted")]


def test_costs_add_up_exactly_and_what_has_no_price_is_named() -> None:
    others = (replace(AGENT, name="sales"), replace(AGENT, name="free"))
    costs = {"receptionist": "0.10", "sales": "0.20", "free": None}

    def usage(agent: AgentRef) -> Usage:
        return Usage(cost=costs[agent.name], currency="EUR", unpriced=["llm.x/y"] if agent.name == "free" else None)

    whole = document(see(agents=(AGENT, *others), usage=usage))
    assert (whole.cost, whole.currency) == ("0.30", "EUR")
    free = next(agent for agent in whole.agents if agent.name == "free")
    assert (free.usage.cost, free.usage.unpriced) == (None, ["llm.x/y"])


def test_the_worst_of_all_agents_comes_first() -> None:
    broken = replace(with_condition("Ready", "False", ready_replicas=0), name="zebra")
    warned = replace(with_condition("ConfigSynced", "False"), name="lion")
    whole = document(see(agents=(replace(AGENT, name="ant", suspended=True), warned, broken)))

    assert [found.agent for found in whole.attention] == ["zebra", "lion", "ant"]


def test_a_very_busy_agent_tells_of_its_newest_calls_only() -> None:
    calls = [call(str(number), minutes=number + 1) for number in range(LIVE_MAX + 5)]
    (seen,) = see(view(pod(), *calls, session_capacity=100))

    assert seen.document.sessions == LIVE_MAX + 5
    assert [one.id for one in seen.document.live] == [str(number) for number in range(LIVE_MAX)]


def test_made_up_sessions_are_not_shown() -> None:
    past = PastSession(pod("gone"), call("t", "error"), NOW, "error", test=True)

    assert see(view(pod()), past=(past,))[0].document.ended == {}


def test_the_picture_of_the_same_state_is_the_same_at_a_later_moment() -> None:
    views = [view(pod(), call("a", waits=(900.0,)))]

    def at(moment: datetime) -> str:
        seen = picture([AGENT], [views[0].pod], views, (), lambda _: Usage(), moment)
        return document(seen).model_dump_json()

    assert at(NOW) == at(NOW + timedelta(minutes=1))
