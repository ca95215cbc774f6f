"""Which rooms are ours, and where an agent may still be on its way."""

from voiceagent_operator.livekit_rooms import Dispatch, Job
from voiceagent_operator.room_calls import ours, under_way

NOW = 1000.0


def dispatch(name: str = "mine", created_at: float = 900, *jobs: Job) -> Dispatch:
    return Dispatch(f"{name}-{created_at}", name, created_at, jobs)


def test_a_room_is_ours_by_the_newest_call_for_an_agent_of_ours() -> None:
    calls = [dispatch(created_at=900), dispatch("other", 950), dispatch("foreign", 980)]
    assert ours(calls, {"mine", "other"}) == calls[1]
    assert ours(calls, {"mine"}) == calls[0]
    assert ours(calls, {"nobody"}) is None


def test_a_call_is_under_way_for_five_seconds_and_for_fifteen_once_a_worker_took_it() -> None:
    for age, taken, arrives in [(4, False, True), (6, False, False), (10, True, True), (16, True, False)]:
        jobs = (Job("J", NOW - age),) if taken else ()
        assert under_way([dispatch("mine", NOW - age, *jobs)], "mine", (), NOW) == arrives, (age, taken)
    assert not under_way([dispatch("other", NOW)], "mine", (), NOW)


def test_a_call_that_a_dead_job_took_is_not_under_way_nor_one_of_a_clock_that_is_ahead() -> None:
    taken = dispatch("mine", NOW - 2, Job("J", NOW - 2))
    assert under_way([taken], "mine", (), NOW)
    assert not under_way([taken], "mine", {"J"}, NOW)
    assert not under_way([dispatch("mine", NOW + 3600)], "mine", (), NOW)
