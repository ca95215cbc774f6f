"""What is told of calls that were held at once."""

from robot_callers import HeldCall, HeldTurn, summarise


def test_a_summary_counts_dropped_calls_and_unanswered_turns() -> None:
    fine = HeldCall((HeldTurn(1.0, 0.5), HeldTurn(5.0, 0.7)))
    broken = HeldCall((HeldTurn(2.0, 0.6), HeldTurn(6.0, None)), trouble="The agent left.")
    told = summarise([fine, broken])
    assert (told.calls, told.dropped, told.turns, told.unanswered) == (2, 1, 4, 1)
    assert told.p95_silence_seconds == 0.7


def test_a_span_takes_in_the_turns_that_were_asked_in_it() -> None:
    call = HeldCall(tuple(HeldTurn(float(at), float(at)) for at in range(100)))
    before, during = summarise([call], until=20), summarise([call], since=20)
    assert (before.turns, before.p95_silence_seconds) == (20, 18.0)
    assert (during.turns, during.p95_silence_seconds) == (80, 95.0)


def test_no_turns_have_no_latency() -> None:
    assert summarise([HeldCall(())]).p95_silence_seconds is None
