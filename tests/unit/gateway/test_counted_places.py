"""Places are counted again when something has changed, and only then."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from voiceagent_api.worker_status import SessionRecord, WorkerStatus
from voiceagent_gateway import counted_places
from voiceagent_gateway.counted_places import CountedPlaces
from voiceagent_gateway.model import AgentRef, PastSession, PodRef, PodView

POD = PodRef("u1", "default", "p1", "receptionist", phase="Running", address="10.0.0.1", ready=True)


def view(now: datetime, *rooms: str) -> PodView:
    sessions = [SessionRecord(id=room, room=room, started_at=now, config_revision="c") for room in rooms]
    status = WorkerStatus(
        namespace="default", agent="receptionist", agent_name="a", pod="p1", revision="r", config_revision="c",
        registered=True, draining=False, session_capacity=3, sessions=sessions,
    )  # fmt: skip
    return PodView(POD, status, now)


def test_a_new_reading_agent_or_past_is_counted(make_agent: Callable[..., AgentRef], now: datetime) -> None:
    counted, agent = CountedPlaces(), make_agent()
    past = (PastSession(POD, SessionRecord(id="x", room="old", started_at=now, config_revision="c"), now, "completed"),)
    of_others = (replace(past[0], pod=replace(POD, agent="other")),)

    assert counted.of(agent, [view(now, "one")], ()).free == 2
    assert counted.of(agent, [view(now, "one", "two")], ()).free == 1
    assert counted.of(agent, [], ()).free is None
    assert counted.of(make_agent(ready_replicas=0), [], ()).free == 0
    assert set(counted.of(agent, [], past).started) == {"old"}
    assert set(counted.of(agent, [], of_others).started) == set()


def test_the_same_is_counted_once(
    make_agent: Callable[..., AgentRef], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, agent, seen = CountedPlaces(), make_agent(), view(now, "one")
    first = counted.of(agent, [seen], ())
    monkeypatch.delattr(counted_places, "count_places")

    assert counted.of(agent, [seen], ()) is first
