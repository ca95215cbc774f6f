"""Turns made of a conversation's messages."""

from voiceagent_worker.turns import TurnTracker

AT = 1_767_225_600.0


def test_answer_to_the_caller_is_a_turn_with_the_latencies_of_both() -> None:
    tracker = TurnTracker()
    assert tracker.add("user", {"transcription_delay": 0.3, "end_of_turn_delay": 0.6}, AT) is None
    turn = tracker.add("assistant", {"llm_node_ttft": 0.25, "tts_node_ttfb": 0.1, "e2e_latency": 1.234}, AT + 2)
    assert turn is not None
    assert (turn.stt_milliseconds, turn.llm_ttft_milliseconds) == (300, 250)
    assert (turn.tts_ttfb_milliseconds, turn.e2e_milliseconds) == (100, 1234)
    assert turn.at.isoformat() == "2026-01-01T00:00:02+00:00"


def test_greeting_is_no_turn_and_a_second_message_of_the_agent_is_no_second_turn() -> None:
    tracker = TurnTracker()
    assert tracker.add("assistant", {"tts_node_ttfb": 0.1}, AT) is None
    tracker.add("user", {}, AT)
    assert tracker.add("assistant", {}, AT) is not None
    assert tracker.add("assistant", {}, AT) is None


def test_answer_belongs_to_the_last_of_what_the_caller_said() -> None:
    tracker = TurnTracker()
    tracker.add("user", {"transcription_delay": 9.0}, AT)
    tracker.add("user", {"transcription_delay": 0.2}, AT)
    turn = tracker.add("assistant", {}, AT)
    assert turn is not None and turn.stt_milliseconds == 200


def test_what_was_not_measured_is_none() -> None:
    tracker = TurnTracker()
    tracker.add("user", {"transcription_delay": None}, AT)
    turn = tracker.add("assistant", {"llm_node_ttft": 0.0, "tts_node_ttfb": -1.0}, AT)
    assert turn is not None
    assert (turn.stt_milliseconds, turn.llm_ttft_milliseconds, turn.tts_ttfb_milliseconds) == (None, None, None)


def test_other_messages_change_nothing() -> None:
    tracker = TurnTracker()
    tracker.add("user", {"transcription_delay": 0.2}, AT)
    assert tracker.add("system", {}, AT) is None
    assert tracker.add("assistant", {}, AT) is not None
