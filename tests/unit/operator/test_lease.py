"""Who may lead, by what a Lease says and for how long it has said so."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from voiceagent_operator.lease import LeaseTimes, Sighting, held, may_take, released, sight

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TIMES = LeaseTimes()


def lease(holder: str = "a", **more: Any) -> dict[str, Any]:
    meta = {"name": "x", "namespace": "y", "resourceVersion": "7"}
    return {"metadata": meta, "spec": {"holderIdentity": holder, "leaseDurationSeconds": 10, **more}}


def test_a_lease_is_taken_only_after_its_holder_was_silent_for_its_whole_duration() -> None:
    seen = sight(lease("a", renewTime="1"), None, 100.0)
    assert not may_take(seen, "b", 109.9)
    assert may_take(seen, "b", 110.0)
    renewed = sight(lease("a", renewTime="2"), seen, 109.0)
    assert not may_take(renewed, "b", 118.9)


@given(st.integers(-10_000, 10_000))
def test_the_clock_of_the_holder_makes_no_difference(ahead_seconds: int) -> None:
    stamp = (NOW + timedelta(seconds=ahead_seconds)).isoformat()
    seen = sight(lease("a", renewTime=stamp), None, 0.0)
    assert not may_take(seen, "b", 9.9)
    assert may_take(seen, "b", 10.0)


def test_ones_own_lease_and_a_released_one_may_be_taken_at_once() -> None:
    assert may_take(Sighting(lease("a")["spec"], 0.0), "a", 0.0)
    given_up = released(lease("a"), NOW)
    assert may_take(sight(given_up, None, 0.0), "b", 0.0)
    assert given_up["metadata"]["resourceVersion"] == "7"


def test_a_renewal_keeps_when_it_was_acquired_and_a_change_of_holder_counts() -> None:
    first = held(None, "a", TIMES, NOW)
    assert (first["spec"]["holderIdentity"], first["spec"]["leaseTransitions"]) == ("a", 0)
    again = held(first, "a", TIMES, NOW + timedelta(seconds=5))
    assert again["spec"]["acquireTime"] == first["spec"]["acquireTime"]
    assert again["spec"]["renewTime"] > first["spec"]["renewTime"]
    other = held(lease("a", leaseTransitions=3), "b", TIMES, NOW)
    assert (other["spec"]["leaseTransitions"], other["metadata"]["resourceVersion"]) == (4, "7")


def test_a_leader_stops_before_anybody_may_follow() -> None:
    assert TIMES.renew_deadline_seconds + TIMES.look_seconds < TIMES.duration_seconds
