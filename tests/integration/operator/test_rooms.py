"""Rooms that lost their agent, or never got one, on a real livekit-server with real participants."""

import asyncio
import contextlib
import json
import os
import signal
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from livekit import api, rtc
from local_livekit import API_KEY, API_SECRET, LiveKit, livekit_server
from pod_endpoint import Pod
from voiceagent_api.names import ATTRIBUTE_ENDED, ATTRIBUTE_PROCESS, agent_identity
from voiceagent_api.worker_status import SessionRecord
from worker_process import RunningWorker, end, new_worker, until_ready

SECONDS = 90.0
"""The longest pause between two calls of an agent is a minute."""
SILENT_SECONDS = 300.0
"""LiveKit may offer some calls to a silent worker before one that answers gets one."""
DEAD_JOB = "AJ_dead"


@pytest.fixture
def livekit(tmp_path: Path) -> Iterator[LiveKit]:
    with livekit_server(tmp_path) as server:
        yield server


@pytest.fixture
def agent_name() -> str:
    return f"agent-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def operator(new_operator: Any) -> Any:
    """One of the test's own, so that its numbers are the test's, too."""
    made = new_operator()
    made.start()
    return made


def apply(space: Any, livekit: LiveKit, agent_name: str, **spec: Any) -> None:
    space.apply(
        agentName=agent_name, livekit={"url": livekit.url, "credentialsSecretRef": {"name": "local-livekit"}}, **spec
    )


@pytest.fixture
def agent(operator: Any, space: Any, livekit: LiveKit, agent_name: str) -> Any:
    """An agent on this LiveKit, without any worker."""
    space.secret("local-livekit", LIVEKIT_API_KEY=API_KEY, LIVEKIT_API_SECRET=API_SECRET)
    apply(space, livekit, agent_name)
    space.until_deployed()
    return space


@contextlib.asynccontextmanager
async def joined(livekit: LiveKit, room: str, identity: str, **options: Any) -> AsyncIterator[rtc.Room]:
    """Somebody in a room; `agent_name` is called into it as the room is made."""
    token = (
        api.AccessToken(livekit.key, livekit.secret)
        .with_identity(identity)
        .with_kind(options.get("kind", "standard"))
        .with_attributes(options.get("attributes", {}))
        .with_grants(api.VideoGrants(room_join=True, room=room, agent="agent" in options.get("kind", "")))
    )
    if "agent_name" in options:
        call = api.RoomAgentDispatch(agent_name=options["agent_name"], metadata="what the caller wants")
        token = token.with_room_config(api.RoomConfiguration(agents=[call]))
    participant = rtc.Room()
    await participant.connect(livekit.url, token.to_jwt())
    try:
        yield participant
    finally:
        await participant.disconnect()


async def until(look: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    deadline = asyncio.get_running_loop().time() + seconds
    while not (seen := await asyncio.to_thread(look)):
        assert asyncio.get_running_loop().time() < deadline, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.1)
    return seen


def calls(operator: Any, reason: str) -> int:
    number: int = operator.number(f'voiceagent_operator_dispatches_total{{reason="{reason}"}}')
    return number


def agents_in(room: rtc.Room) -> list[str]:
    kind = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    return [one.identity for one in room.remote_participants.values() if one.kind == kind]


@contextlib.contextmanager
def started(folder: Path, livekit: LiveKit) -> Iterator[RunningWorker]:
    """A worker process."""
    worker = new_worker(folder, livekit)
    try:
        yield worker
    finally:
        end(worker)


async def test_an_agent_is_called_again_until_a_worker_comes_up_and_no_more_then(
    agent: Any, operator: Any, livekit: LiveKit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("worker")
    name = f"tests-{folder.name}"  # as the worker is called
    agent.do("delete", "va", "receptionist", "--wait")  # the dispatch name is not changed once it is given
    apply(agent, livekit, name)
    async with joined(livekit, "waiting", "caller", agent_name=name) as caller, livekit.client() as client:
        (first,) = await client.agent_dispatch.list_dispatch("waiting")
        await until(lambda: calls(operator, "no_agent") >= 2, "called twice, with a pause")
        dispatches = await client.agent_dispatch.list_dispatch("waiting")
        assert [one.metadata for one in dispatches] == ["what the caller wants"]
        assert dispatches[0].id != first.id
        with started(folder, livekit):
            await until(lambda: agents_in(caller), "the agent is in the room")
            before = calls(operator, "no_agent")
            await asyncio.sleep(8)  # longer than an agent is waited for
            assert calls(operator, "no_agent") == before
            assert len(agents_in(caller)) == 1


async def test_a_call_whose_worker_falls_silent_with_its_node_goes_on_with_another(
    agent: Any, operator: Any, livekit: LiveKit, tmp_path: Path
) -> None:
    folders = [tmp_path / place / "silent" for place in ("lost", "other")]
    for folder in folders:
        folder.mkdir(parents=True)
    name = "tests-silent"  # as both workers are called
    agent.do("delete", "va", "receptionist", "--wait")
    apply(agent, livekit, name)
    with started(folders[0], livekit) as lost:
        await until_ready(lost)
        async with joined(livekit, "call", "caller", agent_name=name) as caller:
            (first,) = await until(lambda: agents_in(caller), "the agent is in the room")
            with started(folders[1], livekit) as other:
                await until_ready(other)
                os.killpg(lost.process.pid, signal.SIGSTOP)
                await until(lambda: set(agents_in(caller)) - {first}, "another agent is in the room", SILENT_SECONDS)
                assert len(agents_in(caller)) == 1
        assert calls(operator, "no_agent") >= 1


async def test_rooms_of_others_and_people_whose_call_was_ended_get_no_agent_nor_those_of_a_suspended_one(
    agent: Any, operator: Any, livekit: LiveKit, agent_name: str
) -> None:
    said_goodbye = {ATTRIBUTE_ENDED: "time-is-up"}
    async with (
        joined(livekit, "foreign", "caller", agent_name="somebody-else"),
        joined(livekit, "plain", "caller"),
        joined(livekit, "ended", "caller", agent_name=agent_name, attributes=said_goodbye),
        joined(livekit, "waiting", "caller", agent_name=agent_name),
    ):
        await until(lambda: calls(operator, "no_agent") == 1, "called into the one that waits")
        agent.do("patch", "va", "receptionist", "--type=merge", "-p", '{"spec":{"suspend":true}}')
        await until(lambda: agent.condition("Ready").get("reason") == "Suspended", "suspended")
        before = calls(operator, "no_agent")
        async with joined(livekit, "later", "caller", agent_name=agent_name):
            await asyncio.sleep(12)
        assert calls(operator, "no_agent") == before


async def test_an_outage_of_livekit_is_told_once_and_ends_by_itself(
    agent: Any, operator: Any, livekit: LiveKit, agent_name: str
) -> None:
    livekit.stop()

    def warnings() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in operator.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if "LiveKit cannot be asked about rooms" in json.dumps(line)]

    await until(warnings, "the outage is told")
    await asyncio.sleep(8)  # it is tried again meanwhile
    assert len(warnings()) == 1
    assert f"127.0.0.1:{livekit.port}" in json.dumps(warnings())
    assert API_SECRET not in operator.log.read_text()
    livekit.start()
    async with joined(livekit, "waiting", "caller", agent_name=agent_name):
        await until(lambda: calls(operator, "no_agent"), "called again")


def tell_of_container(space: Any, address: str, run: str, last: dict[str, Any] | None = None) -> None:
    """Stand in for the node: the pod's worker runs in this container."""
    (name,) = (pod["metadata"]["name"] for pod in space.list("pods"))
    container = {
        "name": "worker",
        "containerID": f"containerd://{run}",
        "image": "x",
        "imageID": "x",
        "ready": True,
        "restartCount": 1 if last else 0,
        "state": {"running": {"startedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}},
        "lastState": last or {},
    }
    status = {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [container],
    }
    space.do("patch", "pod", name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))


def killed(run: str) -> dict[str, Any]:
    """The end of a container that was killed."""
    ended_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    end = {"containerID": f"containerd://{run}", "exitCode": 137, "reason": "OOMKilled", "finishedAt": ended_at}
    return {"terminated": end}


async def test_a_killed_workers_ghost_is_removed_and_a_fresh_agent_called_once(
    agent: Any, operator: Any, livekit: LiveKit, agent_name: str
) -> None:
    pod = Pod()
    active = SessionRecord(id=DEAD_JOB, room="call", started_at=datetime.now(UTC), config_revision="c")
    empty = active.model_copy(update={"id": "AJ_empty", "room": "nobody-there"})
    pod.says(sessions=[active, empty])
    async with (
        joined(livekit, "call", "caller", agent_name=agent_name) as caller,
        joined(livekit, "call", agent_identity(DEAD_JOB), kind="agent") as ghost,
        livekit.client() as client,
    ):
        (first,) = await client.agent_dispatch.list_dispatch("call")
        with pod.serving():
            await asyncio.to_thread(tell_of_container, agent, pod.address, "first")
            await until(lambda: agent.get("voiceagents")["status"].get("activeSessions") == 2, "two calls")
            await asyncio.to_thread(tell_of_container, agent, pod.address, "second", killed("first"))
            await until(lambda: not ghost.isconnected(), "the ghost is out of the room")
            await until(lambda: calls(operator, "dead_worker") == 1, "a fresh agent is called")
            (second,) = await client.agent_dispatch.list_dispatch("call")
            assert (second.agent_name, second.metadata) == (agent_name, "what the caller wants")
            assert second.id != first.id
            assert caller.isconnected()
            async with joined(livekit, "call", agent_identity("AJ_fresh"), kind="agent") as fresh:
                await asyncio.sleep(12)  # the pod is asked again, and tells of the same calls
                await asyncio.to_thread(tell_of_container, agent, pod.address, "third", killed("second"))
                await asyncio.sleep(3)
                assert fresh.isconnected()
        assert calls(operator, "dead_worker") == 1


async def test_the_agents_of_a_killed_worker_are_found_by_its_name_though_it_never_told_of_their_calls(
    agent: Any, operator: Any, livekit: LiveKit, agent_name: str
) -> None:
    pod = Pod()
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    known = SessionRecord(id="AJ_known", room="nobody-there", started_at=hour_ago, config_revision="c")
    pod.says(process="first", started_at=hour_ago, sessions=[known])
    with pod.serving():
        await asyncio.to_thread(tell_of_container, agent, pod.address, "first")
        await until(lambda: agent.get("voiceagents")["status"].get("activeSessions") == 1, "the pod is read")
        async with (
            joined(livekit, "call", "caller", agent_name=agent_name) as caller,
            joined(livekit, "call", agent_identity(DEAD_JOB), kind="agent", attributes={ATTRIBUTE_PROCESS: "first"}),
            joined(livekit, "other", "another", agent_name=agent_name),
            joined(livekit, "other", agent_identity("AJ_alive"), kind="agent", attributes={ATTRIBUTE_PROCESS: "else"}),
        ):
            await until(lambda: agents_in(caller), "the caller sees the agent")
            await asyncio.to_thread(tell_of_container, agent, pod.address, "second", killed("first"))
            await until(lambda: agents_in(caller) == [], "the ghost is out of the room")
            await until(lambda: calls(operator, "dead_worker") == 1, "a fresh agent is called")
            async with livekit.client() as client:
                request = api.ListParticipantsRequest(room="other")
                others = (await client.room.list_participants(request)).participants
            assert {one.identity for one in others} == {"another", agent_identity("AJ_alive")}
            assert calls(operator, "dead_worker") == 1
