"""The gateway's tokens before a real livekit-server."""

import asyncio
import base64
import json
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from livekit import api, rtc
from local_livekit import LiveKit, livekit_server

Start = Callable[..., Any]


def own_token(livekit: LiveKit, room: str, identity: str, kind: api.AccessToken.ParticipantKind = "standard") -> str:
    """A token that the gateway did not make."""
    grants = api.VideoGrants(room_join=True, room=room, agent=kind == "agent")
    token = api.AccessToken(livekit.key, livekit.secret).with_identity(identity).with_kind(kind)
    return token.with_grants(grants).to_jwt()


@pytest.fixture(scope="module")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKit]:
    with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest.fixture(scope="module")
def place(shared_place: Any) -> Any:
    """The namespace of one VoiceAgent that can be called."""
    shared_place.voice_agent()
    shared_place.agent_status()
    shared_place.secret()
    return shared_place


@pytest.fixture(scope="module")
def gateway(place: Any, livekit: Any, start_gateway: Start, kubeconfig_everywhere: Path) -> Any:
    """A gateway for that VoiceAgent, on the module's livekit-server."""
    gateway = start_gateway(kubeconfig_everywhere, f"--namespace={place.namespace}", livekit_url=livekit.url)
    gateway.until(gateway.ready)
    return gateway


@pytest.fixture
def room_name() -> str:
    """A room that no other test knows."""
    return f"room-{uuid.uuid4().hex}"


@asynccontextmanager
async def joined(url: str, token: str) -> AsyncIterator[rtc.Room]:
    room = rtc.Room()
    await asyncio.wait_for(room.connect(url, token), 20)
    try:
        yield room
    finally:
        await room.disconnect()


async def dispatches(livekit: Any, room: str) -> list[str]:
    async with livekit.client() as client:
        return [dispatch.agent_name for dispatch in await client.agent_dispatch.list_dispatch(room)]


async def until_participants(livekit: Any, room: str, count: int) -> None:
    async with livekit.client() as client, asyncio.timeout(10):
        while True:
            present = await client.room.list_participants(api.ListParticipantsRequest(room=room))
            if len(present.participants) == count:
                return
            await asyncio.sleep(0.1)


async def test_livekit_takes_the_token_and_calls_the_agent(place: Any, livekit: Any, gateway: Any) -> None:
    answer = gateway.get("/token").json()

    async with joined(answer["url"], answer["token"]) as room:
        assert room.name == answer["room"]
        assert room.local_participant.identity == answer["identity"]
        assert await dispatches(livekit, room.name) == [f"{place.namespace}-receptionist"]
        await room.local_participant.publish_data(b"hello")


async def test_livekit_takes_the_token_of_the_token_source_endpoint_with_all_that_it_says(
    place: Any, livekit: Any, gateway: Any, room_name: str
) -> None:
    response = gateway.post(
        "/token",
        {
            "room_name": room_name,
            "participant_identity": "anna",
            "participant_name": "Anna",
            "participant_metadata": "m",
            "participant_attributes": {"tier": "gold"},
            "room_config": {"agents": [{"agent_name": f"{place.namespace}-receptionist", "metadata": "for the agent"}]},
        },
    )
    assert response.status_code == 201
    answer = response.json()

    async with joined(answer["server_url"], answer["participant_token"]) as room:
        me = room.local_participant
        assert (room.name, me.identity, me.name, me.metadata) == (room_name, "anna", "Anna", "m")
        assert me.attributes["tier"] == "gold"
        async with livekit.client() as client:
            called = await client.agent_dispatch.list_dispatch(room_name)
        assert [(one.agent_name, one.metadata) for one in called] == [
            (f"{place.namespace}-receptionist", "for the agent")
        ]


async def test_a_token_opens_no_other_room_and_no_administration(livekit: Any, gateway: Any) -> None:
    token = gateway.get("/token?room=mine").json()["token"]
    header, claims, signature = token.split(".")
    changed = json.loads(base64.urlsafe_b64decode(claims + "=="))
    changed["video"]["room"] = "yours"
    forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
    web = livekit.url.replace("ws", "http", 1)

    async with httpx.AsyncClient(trust_env=False, base_url=web) as client:
        own = await client.get("/rtc/validate", params={"access_token": token})
        other = await client.get("/rtc/validate", params={"access_token": f"{header}.{forged}.{signature}"})
        administration = await client.post(
            "/twirp/livekit.RoomService/ListParticipants",
            json={"room": "mine"},
            headers={"Authorization": f"Bearer {token}"},
        )

    assert own.status_code == 200
    assert other.status_code == 401
    assert administration.status_code in (401, 403)
    with pytest.raises(rtc.ConnectError):
        async with joined(livekit.url, f"{header}.{forged}.{signature}"):
            pass


async def test_the_room_asked_for_while_joining_is_not_the_one_joined(livekit: Any, gateway: Any) -> None:
    token = gateway.get("/token?room=mine").json()["token"]

    async with joined(f"{livekit.url}/?room=yours", token) as room:
        assert room.name == "mine"
        await until_participants(livekit, "mine", 1)


async def test_a_living_room_without_an_agent_is_given_one_and_only_one(
    place: Any, livekit: Any, gateway: Any, room_name: str
) -> None:
    async with joined(livekit.url, own_token(livekit, room_name, "first")):
        await until_participants(livekit, room_name, 1)
        assert await dispatches(livekit, room_name) in ([], [""])

        answers = await asyncio.gather(*(asyncio.to_thread(gateway.get, f"/token?room={room_name}") for _ in range(5)))

        assert {answer.status_code for answer in answers} == {200}
        called = await dispatches(livekit, room_name)
        assert called.count(f"{place.namespace}-receptionist") == 1


async def test_an_empty_room_that_is_there_already_is_given_an_agent_too(
    place: Any, livekit: Any, gateway: Any, room_name: str
) -> None:
    async with livekit.client() as client:
        await client.room.create_room(api.CreateRoomRequest(name=room_name, empty_timeout=60))

    gateway.get(f"/token?room={room_name}")

    assert f"{place.namespace}-receptionist" in await dispatches(livekit, room_name)


async def test_a_room_with_an_agent_in_it_is_left_as_it_is(
    place: Any, livekit: Any, gateway: Any, room_name: str
) -> None:
    async with joined(livekit.url, own_token(livekit, room_name, "agent-1", kind="agent")):
        await until_participants(livekit, room_name, 1)

        assert gateway.get(f"/token?room={room_name}").status_code == 200

        assert f"{place.namespace}-receptionist" not in await dispatches(livekit, room_name)


async def test_a_room_that_just_called_its_agent_is_not_given_a_second(
    place: Any, livekit: Any, gateway: Any, room_name: str
) -> None:
    answer = gateway.get(f"/token?room={room_name}").json()
    async with joined(answer["url"], answer["token"]):
        await until_participants(livekit, room_name, 1)

        assert gateway.get(f"/token?room={room_name}&identity=second").status_code == 200

        assert await dispatches(livekit, room_name) == [f"{place.namespace}-receptionist"]


def test_a_livekit_that_does_not_answer_keeps_nobody_from_a_token_for_long(place: Any, gateway: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}"
        place.voice_agent("lost", livekit={"url": url})
        place.agent_status("lost")
        gateway.until(lambda: [agent["ready"] for agent in gateway.get("/agents").json()] == [True, True])
        started = time.monotonic()

        response = gateway.get(f"/token?room=lobby&agent={place.namespace}/lost")

        assert response.status_code == 200
        assert response.json()["url"] == url
        assert time.monotonic() - started < 5
        gateway.until(lambda: "could not look whether the room needs an agent" in gateway.log)
    place.delete("voiceagent", "lost")
    gateway.until(lambda: len(gateway.get("/agents").json()) == 1)
