"""What the worker relies on in livekit-agents' AgentServer, private parts too."""

import asyncio
import functools
import logging
import pickle
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from livekit.agents import AgentServer, JobRequest
from livekit.agents.job import JobAcceptArguments
from livekit.protocol import agent
from multidict import CIMultiDict, CIMultiDictProxy
from voiceagent_api.agent_config import AgentConfig, ProviderConfig, ProvidersConfig
from voiceagent_api.names import ATTRIBUTE_PROCESS
from voiceagent_worker.call_server import modules_to_preload
from voiceagent_worker.credentials import LiveKitCredentials
from voiceagent_worker.entrypoint import prepare_process, run_call
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


@dataclass
class Pod:
    """A worker of two sessions, and what it said to LiveKit's offers."""

    draining: bool = False
    refused: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    def make(self) -> LiveKitServer:
        return LiveKitServer(
            CONFIG,
            LiveKitCredentials("key", "secret"),
            functools.partial(run_call, RunFolder(Path("/nowhere")), Path("/nowhere")),
            prepare_process,
            [],
            process="p-1",
            capacity=2,
            draining=lambda: self.draining,
            on_refused=self.refused.append,
        )

    def offer(self, job_id: str, until: asyncio.Event) -> JobRequest:
        """A job; when it is accepted, its process is there once `until` is set."""

        async def accepted(arguments: JobAcceptArguments) -> None:
            assert arguments.attributes == {ATTRIBUTE_PROCESS: "p-1"}
            self.answers.append(f"accepted {arguments.identity} ({arguments.name})")
            await until.wait()

        async def rejected(terminate: bool) -> None:
            self.answers.append("refused for good" if terminate else "refused")

        return JobRequest(job=agent.Job(id=job_id), on_reject=rejected, on_accept=accepted)


@pytest.fixture
async def server() -> LiveKitServer:
    return Pod().make()


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


async def test_calls_about_to_start_count_and_what_is_too_much_is_refused_so_that_another_worker_is_asked() -> None:
    pod, started = Pod(), asyncio.Event()
    server = pod.make()
    calls = [asyncio.create_task(server._accept(pod.offer(f"j{number}", started))) for number in range(4)]
    await asyncio.wait(calls[2:])
    assert pod.answers == ["accepted agent-j0 (receptionist)", "accepted agent-j1 (receptionist)", *["refused"] * 2]
    assert (pod.refused, server.taken) == (["full", "full"], 2)
    started.set()
    await asyncio.gather(*calls)
    assert server.taken == 0


async def test_call_that_is_not_given_after_all_takes_no_place() -> None:
    pod = Pod()
    server = pod.make()

    async def never(_: JobAcceptArguments) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await server._accept(JobRequest(job=agent.Job(id="j"), on_reject=pytest.fail, on_accept=never))
    assert server.taken == 0


async def test_draining_worker_refuses_and_tells_the_highest_load() -> None:
    pod = Pod(draining=True)
    server = pod.make()
    await server._accept(pod.offer("j", asyncio.Event()))
    assert (pod.answers, pod.refused) == (["refused"], ["draining"])
    assert server._load(server._server) == 1


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
