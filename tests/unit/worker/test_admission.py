"""Whether a pod takes one more call."""

from hypothesis import given
from hypothesis import strategies as st
from voiceagent_worker.admission import load, refusal

LIVEKIT_TARGET_LOAD = 0.7
CAPACITIES = st.integers(1, 500)


@given(CAPACITIES, st.integers(0, 1000))
def test_calls_are_taken_up_to_the_capacity_and_none_while_draining(capacity: int, taken: int) -> None:
    assert refusal(taken, capacity, draining=False) == (None if taken < capacity else "full")
    assert refusal(taken, capacity, draining=True) == "draining"


@given(CAPACITIES)
def test_load_grows_with_every_call_and_stays_where_livekit_still_sends_calls(capacity: int) -> None:
    loads = [load(taken, capacity, draining=False) for taken in range(capacity + 1)]
    assert loads[0] == 0
    assert loads == sorted(set(loads))
    assert load(capacity + 1, capacity, draining=False) == loads[-1] < LIVEKIT_TARGET_LOAD


def test_draining_pod_tells_the_highest_load() -> None:
    assert load(0, 10, draining=True) == 1
