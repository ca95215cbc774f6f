"""How often a room is looked after; what is done in it is tested with a real livekit-server."""

import pytest
from processes import free_port
from voiceagent_worker import rescue as rescue_module
from voiceagent_worker.credentials import LiveKitCredentials
from voiceagent_worker.rescue import MAX_RESCUES, MAX_RESCUES_OF_A_ROOM, Rescue


@pytest.fixture
def rescue(monkeypatch: pytest.MonkeyPatch) -> Rescue:
    monkeypatch.setattr(rescue_module, "RESCUE_SECONDS", 0)
    credentials = LiveKitCredentials("key", "a-secret-of-at-least-32-characters")
    return Rescue(f"ws://127.0.0.1:{free_port()}", credentials, "agent", on_recovered=lambda: None)


async def test_room_in_which_every_agent_dies_is_left_to_the_operator(
    rescue: Rescue, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(MAX_RESCUES_OF_A_ROOM + 1):
        assert caplog.messages == []
        rescue.lost(f"job-{number}", "room")
    assert caplog.messages == ["Too many calls died; the room of one is left to the operator"]
    rescue.lost("job-x", "another room")
    assert len(caplog.messages) == 1
    await rescue.close()


async def test_number_of_rooms_looked_after_at_once_is_bounded(
    rescue: Rescue, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(MAX_RESCUES + 1):
        rescue.lost(f"job-{number}", f"room-{number}")
    assert len(caplog.messages) == 1
    await rescue.close()


async def test_rescue_that_was_closed_takes_up_nothing(rescue: Rescue, caplog: pytest.LogCaptureFixture) -> None:
    await rescue.close()
    rescue.lost("job", "room")
    await rescue.close()
    assert caplog.messages == []
