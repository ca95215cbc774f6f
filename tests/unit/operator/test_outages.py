"""What fails for long is told of once, and tried ever more seldom."""

import logging

import pytest
from voiceagent_operator.outages import Outage
from voiceagent_operator.recent import Recent


def test_an_outage_is_a_warning_when_it_begins_and_a_line_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    outage = Outage("LiveKit cannot be asked", host="livekit.test")
    pauses = [outage.failed(OSError("refused")) for _ in range(7)]
    assert pauses == [2, 4, 8, 16, 32, 60, 60]
    outage.over()
    outage.over()
    told = [(record.levelname, record.message) for record in caplog.records]
    assert told == [("WARNING", "LiveKit cannot be asked"), ("INFO", "over: LiveKit cannot be asked")]
    assert outage.failed(OSError("refused")) == 2


def test_the_newest_are_remembered_and_no_more() -> None:
    recent: Recent[str, int] = Recent(2)
    assert recent.put("a", 1)
    assert recent.put("b", 2)
    assert not recent.put("a", 3)
    assert recent.put("c", 4)
    assert [recent.get(key) for key in "abc"] == [3, None, 4]
    assert "b" not in recent
    assert len(recent) == 2
