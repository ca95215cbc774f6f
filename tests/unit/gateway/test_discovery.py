"""Objects of the API server as the gateway sees them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from voiceagent_gateway.discovery import Discovery, agent_from_object, pod_from_object


def voice_agent(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"metadata": {"namespace": "default", "name": "receptionist"}, "spec": spec or {}, "status": status or {}}


def test_a_voice_agent_just_made_has_its_default_name_and_is_not_ready() -> None:
    agent = agent_from_object(voice_agent())

    assert agent is not None
    assert agent.agent_name == "default-receptionist"
    assert agent.language == "en"
    assert not agent.ready


def test_a_voice_agents_status_tells_its_name_readiness_and_why() -> None:
    status = {
        "agentName": "front-desk",
        "readyReplicas": 2,
        "readySummary": "2/3",
        "conditions": [
            {
                "type": "Ready",
                "status": "False",
                "reason": "RollingOut",
                "message": "One pod is starting.",
                "lastTransitionTime": "2026-05-04T12:00:00Z",
            }
        ],
    }

    agent = agent_from_object(voice_agent({"language": "fr-CA"}, status))

    assert agent is not None
    assert (agent.agent_name, agent.ready, agent.ready_summary) == ("front-desk", True, "2/3")
    assert (agent.message, agent.language) == ("One pod is starting.", "fr-CA")


def test_a_suspended_voice_agent_is_not_ready_whatever_its_status_still_says() -> None:
    agent = agent_from_object(voice_agent({"suspend": True}, {"readyReplicas": 1}))

    assert agent is not None
    assert agent.suspended
    assert not agent.ready


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, (False, 1, 5, False)),
        ({"replicas": 3}, (False, 3, 5, False)),
        ({"replicas": 0}, (False, 0, 5, True)),
        (
            {"replicas": 0, "scaling": {"mode": "Sessions", "maxReplicas": 4, "sessionsPerReplica": 2}},
            (True, 4, 2, False),
        ),
    ],
)
def test_a_voice_agents_scaling_says_how_many_pods_it_may_have(
    spec: dict[str, Any], expected: tuple[bool, int, int, bool]
) -> None:
    agent = agent_from_object(voice_agent(spec))

    assert agent is not None
    assert (agent.by_sessions, agent.most_pods, agent.sessions_per_pod, agent.off_by_hand) == expected


def test_a_voice_agents_own_livekit_server_is_read() -> None:
    livekit = {
        "url": "wss://in.example",
        "publicURL": "wss://out.example",
        "credentialsSecretRef": {"name": "my-livekit"},
    }

    agent = agent_from_object(voice_agent({"livekit": livekit}))

    assert agent is not None
    assert (agent.livekit_url, agent.livekit_public_url) == ("wss://in.example", "wss://out.example")
    assert agent.livekit_secret_name == "my-livekit"


def test_a_voice_agent_that_is_being_deleted_or_cannot_be_read_is_left_out() -> None:
    deleted = voice_agent()
    deleted["metadata"]["deletionTimestamp"] = "2026-05-04T12:00:00Z"

    assert agent_from_object(deleted) is None
    assert agent_from_object(voice_agent({"livekit": {"url": 7}})) is None


def test_a_worker_pod_is_read_with_its_address_port_and_readiness() -> None:
    pod = pod_from_object(
        {
            "metadata": {
                "uid": "u",
                "namespace": "default",
                "name": "receptionist-x",
                "labels": {"voiceagents.dev/agent": "receptionist", "voiceagents.dev/revision": "r1"},
            },
            "spec": {"containers": [{"ports": [{"name": "http", "containerPort": 9090}]}]},
            "status": {
                "phase": "Running",
                "podIP": "10.0.0.1",
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
    )

    assert pod is not None
    assert (pod.agent, pod.revision, pod.address, pod.port) == ("receptionist", "r1", "10.0.0.1", 9090)
    assert pod.ready
    assert pod.readable


def test_a_pod_that_is_not_running_yet_is_not_to_be_asked() -> None:
    pod = pod_from_object({"metadata": {"namespace": "default", "name": "p"}, "status": {"phase": "Pending"}})

    assert pod is not None
    assert not pod.readable
    assert pod.port == 8080


def worker_pod(name: str, agent: str) -> dict[str, Any]:
    labels = {"voiceagents.dev/agent": agent}
    return {"metadata": {"namespace": "default", "name": name, "uid": name, "labels": labels, "resourceVersion": "2"}}


class ApiServer:
    """Lists two pods; tells of what is put into `events`."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        pods = [worker_pod("b", "receptionist"), worker_pod("a", "receptionist"), worker_pod("c", "sales")]
        odd = voice_agent({"scaling": {"mode": "Later"}})
        return {"items": pods if path.endswith("/pods") else [odd], "metadata": {"resourceVersion": "1"}}

    async def watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        if not path.endswith("/pods"):
            await asyncio.Event().wait()
        while True:
            yield await self.events.get()


async def test_pods_are_known_by_their_agent_in_order_as_they_come_and_go() -> None:
    server = ApiServer()
    kube: Any = server
    discovery = Discovery(kube, ["default"])
    task = asyncio.create_task(discovery.run())

    async def until(names: list[str]) -> None:
        async with asyncio.timeout(30):
            while [pod.name for pod in discovery.pods_of("default", "receptionist")] != names:
                await asyncio.sleep(0.01)

    ending: list[bool] = []
    await until(["a", "b"])
    assert [pod.name for pod in discovery.pods()] == ["a", "b", "c"]
    assert discovery.pods_of("default", "nobody") == ()
    assert discovery.agents() == ()
    assert discovery.unreadable() == {("default", "receptionist")}
    assert discovery.pods() is discovery.pods(), "they are put in order once"

    await server.events.put({"type": "DELETED", "object": worker_pod("a", "receptionist")})
    await server.events.put({"type": "ADDED", "object": worker_pod("d", "receptionist")})
    await until(["b", "d"])

    ends = worker_pod("b", "receptionist")
    ends["metadata"]["deletionTimestamp"] = "2026-05-04T12:00:00Z"
    for kind in ("MODIFIED", "MODIFIED", "DELETED"):
        told = discovery.ending.next
        await server.events.put({"type": kind, "object": ends})
        await server.events.put({"type": "ADDED", "object": worker_pod(f"after-{kind}", "marker")})
        async with asyncio.timeout(30):
            while not discovery.pods_of("default", "marker"):
                await asyncio.sleep(0.01)
        ending.append(told.is_set())
        await server.events.put({"type": "DELETED", "object": worker_pod(f"after-{kind}", "marker")})
        async with asyncio.timeout(30):
            while discovery.pods_of("default", "marker"):
                await asyncio.sleep(0.01)
    assert ending == [True, False, False], "once for a pod"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
