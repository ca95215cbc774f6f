"""What a worker does when LiveKit or the main process cannot be reached: real sockets, nobody at the other end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from livekit import rtc
from livekit.agents import JobContext
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, ProvidersConfig
from voiceagent_worker import rescue
from voiceagent_worker.config import LoadedConfig
from voiceagent_worker.credentials import LiveKitCredentials
from voiceagent_worker.ending import LOST_CONNECTION
from voiceagent_worker.health import HttpEndpoints, create_app
from voiceagent_worker.livekit_server import LiveKitServer
from voiceagent_worker.main import EXIT_FAILED, Worker
from voiceagent_worker.run_folder import RunFolder
from voiceagent_worker.settings import Settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def config(livekit_url: str) -> AgentConfig:
    provider = ProviderConfig(provider="openai", model="m", base_url="http://127.0.0.1:9/v1")
    return AgentConfig(
        namespace="default",
        name="receptionist",
        agent_name="default-receptionist",
        livekit_url=livekit_url,
        instructions="You answer the phone.",
        providers=ProvidersConfig(stt=provider, llm=provider, tts=provider),
    )


async def no_call(_: JobContext) -> None:
    raise AssertionError("no call can come")


@pytest.fixture
async def unreachable() -> AsyncIterator[LiveKitServer]:
    url = f"ws://127.0.0.1:{free_port()}"
    server = LiveKitServer(
        config(url),
        LiveKitCredentials("key", "s" * 32),
        no_call,
        lambda _: None,
        [],
        process="p-1",
        capacity=1,
        draining=lambda: False,
        on_refused=lambda _: None,
    )
    # no processes for calls: they take seconds to start, and none is needed here
    server._server._num_idle_processes = 0
    running = asyncio.create_task(server.run())
    yield server
    await server.close()
    await asyncio.wait_for(running, 60)


async def until_it_failed_to_connect(server: LiveKitServer) -> None:
    for _ in range(1200):
        if "Cannot connect" in server.why_not_registered:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(server.why_not_registered)


async def test_worker_without_its_livekit_server_says_why_and_keeps_trying(unreachable: LiveKitServer) -> None:
    await until_it_failed_to_connect(unreachable)
    assert unreachable.registered is False
    assert "trying again" in unreachable.why_not_registered


async def test_worker_without_its_livekit_server_drains_at_once(unreachable: LiveKitServer) -> None:
    await until_it_failed_to_connect(unreachable)
    await asyncio.wait_for(unreachable.drain(end_calls=lambda: pytest.fail("there is no call")), 60)


async def test_room_of_a_dead_call_that_cannot_be_looked_after_is_told_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescue, "RESCUE_SECONDS", 0.2)
    url = f"ws://127.0.0.1:{free_port()}"
    rooms = rescue.Rescue(url, LiveKitCredentials("key", "s" * 32), "agent", lambda: pytest.fail("nothing recovered"))
    rooms.lost("job", "room")
    async with asyncio.timeout(60):
        while "The room of a dead call got no other agent: no answer" not in caplog.messages:
            await asyncio.sleep(0.05)
    await rooms.close()


async def test_worker_whose_port_is_taken_ends_with_1_and_says_which(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken = HttpEndpoints(create_app(lambda: None, lambda: 1 / 0, bytes), "127.0.0.1", port := free_port())
    await taken.start()
    loaded = LoadedConfig(config("ws://127.0.0.1:9"), "{}")
    settings = Settings(
        config_path=tmp_path / "agent.json",
        livekit_path=tmp_path,
        control_token_path=tmp_path / "token",
        max_sessions=10,
        host="127.0.0.1",
        port=port,
        namespace=None,
        pod="pod",
        revision="abc",
    )
    worker = Worker(settings, loaded, LiveKitCredentials("key", "secret"), RunFolder(tmp_path), lambda *_: None)
    assert await worker.run() == EXIT_FAILED
    assert f"The HTTP endpoints cannot listen on port {port}" in caplog.text
    await taken.stop()


def test_leaving_a_room_is_a_lost_connection_only_when_nobody_wanted_it() -> None:
    wanted = {
        rtc.DisconnectReason.CLIENT_INITIATED,
        rtc.DisconnectReason.ROOM_DELETED,
        rtc.DisconnectReason.ROOM_CLOSED,
        rtc.DisconnectReason.PARTICIPANT_REMOVED,
    }
    assert not wanted & LOST_CONNECTION
    assert {rtc.DisconnectReason.SERVER_SHUTDOWN, rtc.DisconnectReason.CONNECTION_TIMEOUT} <= LOST_CONNECTION
