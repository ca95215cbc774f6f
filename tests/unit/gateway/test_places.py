"""How many calls an agent can take, from what its pods say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from voiceagent_api.worker_status import SessionRecord, WorkerStatus
from voiceagent_gateway.model import AgentRef, PastSession, PodRef, PodView
from voiceagent_gateway.places import count_places
from voiceagent_gateway.refusals import can_grow, refusal

NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


def agent(**fields: Any) -> AgentRef:
    values = {"namespace": "default", "name": "a", "agent_name": "a", "ready_replicas": 1, "sessions_per_pod": 3}
    return AgentRef(**{**values, **fields})


def pod(name: str = "p1", **fields: Any) -> PodRef:
    values = {"uid": name, "namespace": "default", "name": name, "agent": "a", "phase": "Running", "ready": True}
    return PodRef(**{**values, **fields})


def call(room: str, began: datetime = NOW, *, ended: bool = False) -> SessionRecord:
    return SessionRecord(
        id=room,
        room=room,
        started_at=began,
        ended_at=began + timedelta(seconds=1) if ended else None,
        config_revision="c",
        outcome="completed" if ended else "active",
    )


def view(pod_: PodRef, *calls: SessionRecord, capacity: int | None = None, draining: bool = False) -> PodView:
    status = WorkerStatus(
        namespace="default", agent="a", agent_name="a", pod=pod_.name, revision="r", config_revision="c",
        registered=True, draining=draining, session_capacity=capacity, sessions=list(calls),
    )  # fmt: skip
    return PodView(pod_, status, NOW)


def test_places_are_what_the_pods_say_and_the_spec_where_they_say_nothing() -> None:
    places = count_places(agent(), [view(pod("p1"), capacity=2), view(pod("p2")), PodView(pod("p3"))])

    assert (places.capacity, places.free, places.ready_pods) == (8, 8, 3)


def test_calls_that_run_take_places_and_those_that_ended_do_not() -> None:
    places = count_places(agent(), [view(pod(), call("lobby"), call("old", ended=True), capacity=2)])

    assert (places.active, places.free) == (1, 1)
    assert places.running == {"lobby"}


@pytest.mark.parametrize("leaving", [{"draining": True}, {"terminating": True}])
def test_pods_that_drain_give_no_place_and_their_calls_take_none(leaving: dict[str, bool]) -> None:
    old = view(pod("old", terminating="terminating" in leaving), call("lobby"), draining="draining" in leaving)

    places = count_places(agent(), [old, view(pod("new"), capacity=2)])

    assert (places.capacity, places.active, places.free) == (2, 0, 2)
    assert places.running == {"lobby"}


def test_a_pod_that_cannot_be_read_counts_by_what_it_last_said() -> None:
    last = view(pod(), call("lobby"), capacity=2)
    unread = PodView(last.pod, last.status, last.read_at, error="it did not answer in time", failures=3)

    assert count_places(agent(), [unread]).free == 1


def test_an_agent_that_is_said_to_be_ready_and_has_no_known_pod_has_an_unknown_number_of_places() -> None:
    assert count_places(agent(), []).free is None
    assert count_places(agent(ready_replicas=0), []).free == 0


def test_a_promise_is_kept_by_a_call_that_began_after_it_and_not_by_one_before() -> None:
    before, after = NOW - timedelta(minutes=5), NOW + timedelta(seconds=1)
    gone = PastSession(pod("gone"), call("three", after, ended=True), after, "completed")
    here = view(pod(), call("one", before, ended=True), call("two", after, ended=True), call("four", before))

    places = count_places(agent(), [here], [gone])

    assert places.joined_since(dict.fromkeys(("one", "two", "three", "four", "five"), NOW)) == {
        "two",
        "three",
        "four",
    }


@pytest.mark.parametrize(
    ("fields", "status", "name"),
    [
        ({"most_pods": 1}, 429, "agent-full"),
        ({"most_pods": 2}, 503, "agent-growing"),
        ({"most_pods": 1, "by_sessions": True}, 429, "agent-full"),
        ({"most_pods": 2, "by_sessions": True}, 503, "agent-growing"),
    ],
)
def test_a_full_agent_is_busy_at_its_most_pods_and_not_yet_able_below(
    fields: dict[str, Any], status: int, name: str
) -> None:
    full = count_places(agent(**fields), [view(pod(), call("lobby"), capacity=1)])

    problem = refusal(agent(**fields), full)

    assert (problem.status, problem.name) == (status, name)
    assert problem.retry_after_seconds
    assert can_grow(agent(**fields), full) is (fields == {"most_pods": 2, "by_sessions": True})


def test_a_sleeping_agent_says_how_far_its_pod_is() -> None:
    asleep = agent(by_sessions=True, most_pods=3, ready_replicas=0, message="Asleep.")
    nothing = count_places(asleep, [])
    scheduled = count_places(asleep, [PodView(pod("a-1", phase="Pending", ready=False))])
    running = count_places(asleep, [PodView(pod("a-1", ready=False))])

    assert refusal(asleep, nothing).detail == "VoiceAgent default/a is waking up: there is no pod yet."
    assert "pod a-1 waits for a node or its image." in refusal(asleep, scheduled).detail
    assert "pod a-1 is starting. Asleep." in refusal(asleep, running).detail


def test_an_agent_scaled_by_hand_whose_pods_are_not_ready_is_not_ready() -> None:
    starting = count_places(agent(most_pods=2), [PodView(pod(ready=False))])

    assert refusal(agent(most_pods=2), starting).name == "agent-not-ready"
