"""What the worker relies on in livekit-agents' AgentServer, private parts too."""

import functools
import logging
import pickle
from pathlib import Path

import aiohttp
import pytest
from livekit.agents import AgentServer
from multidict import CIMultiDict, CIMultiDictProxy
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, ProvidersConfig
from voiceagent_worker.credentials import LiveKitCredentials
from voiceagent_worker.entrypoint import modules_to_preload, prepare_process, run_call
from voiceagent_worker.livekit_server import LiveKitServer
from voiceagent_worker.run_folder import RunFolder
from yarl import URL

PROVIDER = ProviderConfig(provider="openai", model="m")
CONFIG = AgentConfig(
    namespace="default",
    name="receptionist",
    agent_name="default-receptionist",
    livekit_url="ws://livekit:7880",
    instructions="You answer the phone.",
    providers=ProvidersConfig(stt=PROVIDER, llm=PROVIDER, tts=PROVIDER),
)


@pytest.fixture
async def server() -> LiveKitServer:
    entrypoint = functools.partial(run_call, RunFolder(Path("/nowhere")), Path("/nowhere"))
    return LiveKitServer(
        CONFIG,
        LiveKitCredentials("key", "secret"),
        entrypoint,
        prepare_process,
        [],
        capacity=2,
        draining=lambda: False,
        on_refused=lambda _: None,
    )


async def test_agent_server_still_has_the_private_field_that_tells_of_a_lost_connection() -> None:
    agent_server = AgentServer(ws_url="ws://livekit:7880", api_key="key", api_secret="secret")
    assert agent_server._connecting is False


async def test_server_is_registered_only_after_the_event_and_while_it_is_not_connecting(server: LiveKitServer) -> None:
    assert server.registered is False
    server._server.emit("worker_registered", "AW_1", None)
    assert server.registered is True
    server._server._connecting = True
    assert server.registered is False


async def test_server_that_does_not_run_yet_has_no_calls(server: LiveKitServer) -> None:
    assert server.taken == 0


async def test_reason_for_not_being_registered_names_the_server_the_agent_and_the_last_failure(
    server: LiveKitServer,
) -> None:
    sentence = 'Not registered with LiveKit at ws://livekit:7880 as "default-receptionist"; trying again'
    assert server.why_not_registered == f"{sentence}."
    headers = CIMultiDictProxy(CIMultiDict({"Authorization": "Bearer eyJ"}))
    request = aiohttp.RequestInfo(URL("ws://livekit/agent"), "GET", headers, URL("ws://livekit/agent"))
    for error, reason in (
        (OSError("Connection refused"), "Connection refused."),
        (
            aiohttp.WSServerHandshakeError(request, (), status=401),
            "LiveKit refused the API key or secret (check the agent's LiveKit Secret).",
        ),
    ):
        made = logging.LogRecord(
            "livekit.agents", logging.WARNING, "f", 1, "failed to connect to livekit, retrying in 0s", (), None
        )
        made.error = error
        server._failures.handle(made)
        assert server.why_not_registered == f"{sentence}: {reason}"


async def test_what_is_handed_to_the_processes_of_calls_can_be_pickled() -> None:
    places = (RunFolder(Path("/run")), Path("/token"))
    assert pickle.loads(pickle.dumps(functools.partial(run_call, *places))).args == places
    assert pickle.loads(pickle.dumps(prepare_process)) is prepare_process


def test_only_the_modules_of_configured_providers_are_preloaded() -> None:
    modules = modules_to_preload(CONFIG)
    assert "voiceagent_worker.providers.openai" in modules
    assert "voiceagent_worker.providers.deepgram" not in modules
    assert len(modules) == len(set(modules))
