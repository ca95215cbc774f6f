"""What keeps a call from starting is told by its own kind of error."""

import asyncio
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from livekit import rtc
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, ProvidersConfig
from voiceagent_api.conversation import TurnDetection
from voiceagent_worker import conversation, entrypoint
from voiceagent_worker.channel import SessionChannel
from voiceagent_worker.entrypoint import Call
from voiceagent_worker.errors import AgentCreationError, SessionCreationError, SessionStartError
from voiceagent_worker.providers import Models
from voiceagent_worker.run_folder import RunFolder

PROVIDER = ProviderConfig(provider="openai", model="m")
CONFIG = AgentConfig(
    namespace="default",
    name="receptionist",
    agent_name="default-receptionist",
    livekit_url="ws://livekit:7880",
    instructions="You answer the phone.",
    providers=ProvidersConfig(stt=PROVIDER, llm=PROVIDER, tts=PROVIDER),
)


def refuse(**_: Any) -> None:
    raise ValueError("it has no such turn.")


def test_an_agent_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "Agent", refuse)
    with pytest.raises(AgentCreationError) as error:
        conversation.create_agent(CONFIG)
    assert error.value.failed == "The agent could not be made: it has no such turn."
    assert error.value.remedy == AgentCreationError.kind_remedy


def test_a_session_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "AgentSession", refuse)
    with pytest.raises(SessionCreationError) as error:
        conversation.create_session(Models(llm=MagicMock()), None, TurnDetection())
    assert error.value.failed == "The voice session could not be made: it has no such turn."
    assert error.value.remedy == SessionCreationError.kind_remedy


class NoWayIn:
    """An AgentSession that cannot join."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    async def start(self, **_: Any) -> None:
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (None, "The agent could not join room lobby at ws://livekit:7880 within 0 s."),
        (rtc.ConnectError("no ICE"), "The agent could not join room lobby at ws://livekit:7880: no ICE."),
    ],
)
async def test_a_room_that_cannot_be_joined(
    error: Exception | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrypoint, "START_SECONDS", 0.1)
    context: Any = MagicMock()
    context.job.id, context.job.room.name = "AJ_1", "lobby"
    call = Call(RunFolder(tmp_path), tmp_path / "token", context, SessionChannel())
    with pytest.raises(SessionStartError) as raised:
        await call._join(NoWayIn(error), MagicMock(), CONFIG)  # type: ignore[arg-type]
    assert (raised.value.failed, raised.value.remedy) == (words, SessionStartError.kind_remedy)
