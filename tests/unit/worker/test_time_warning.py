"""When the caller is warned of the call's end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voiceagent_worker.time_warning import LEAST_SECONDS, MOST_SECONDS, warning_seconds


@pytest.mark.parametrize(("longest", "before"), [(3600, 30.0), (120, 30.0), (60, 15.0), (20, 5.0), (19, 0.0), (2, 0.0)])
def test_warning_comes_a_quarter_before_the_end_and_not_at_all_in_a_very_short_call(
    longest: int, before: float
) -> None:
    assert warning_seconds(longest) == before


@given(st.floats(1, 1e6))
def test_warning_is_within_the_call_and_early_enough_to_be_heard(longest: float) -> None:
    before = warning_seconds(longest)
    assert before == 0.0 or LEAST_SECONDS <= before <= min(MOST_SECONDS, longest)
