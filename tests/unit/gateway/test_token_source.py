"""LiveKit's standard token endpoint, as its clients ask it (TokenSource.endpoint)."""

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from voiceagent_gateway.model import AgentRef

Make = Callable[..., AgentRef]
SECRET = "a-secret-of-at-least-32-characters"


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, SECRET, algorithms=["HS256"], issuer="devkey")
    return claims


def assert_problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = response.json()
    assert problem["type"] == f"tag:voiceagents.dev,2026:problem/{name}"
    assert problem["status"] == status
    assert problem["instance"] == "/token"
    return problem


async def test_the_token_source_endpoint_answers_201_with_what_livekit_clients_read(
    ask: httpx.AsyncClient,
) -> None:
    body = {
        "room_name": "lobby",
        "participant_identity": "anna",
        "participant_name": "Anna Smith",
        "participant_metadata": '{"tier": 1}',
        "participant_attributes": {"tier": "gold"},
        "room_config": {"agents": [{"agent_name": "default-receptionist", "metadata": "hello"}]},
    }

    response = await ask.post("/token", json=body)

    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert answer["server_url"] == "ws://localhost:8080"
    claims = claims_of(answer["participant_token"])
    assert claims["video"]["room"] == "lobby"
    assert (claims["sub"], claims["name"], claims["metadata"]) == ("anna", "Anna Smith", '{"tier": 1}')
    assert claims["attributes"] == {"tier": "gold"}
    assert claims["roomConfig"]["agents"] == [{"agentName": "default-receptionist", "metadata": "hello"}]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"room_name": "", "roomConfig": null}'])
async def test_every_field_of_the_token_source_endpoint_may_be_left_out(ask: httpx.AsyncClient, content: bytes) -> None:
    response = await ask.post("/token", content=content)

    assert response.status_code == 201
    assert claims_of(response.json()["participant_token"])["video"]["room"] == "receptionist-id1"


async def test_the_token_source_endpoint_reads_camel_case_keys_too(ask: httpx.AsyncClient) -> None:
    body = {
        "roomName": "lobby",
        "participantIdentity": "anna",
        "participantAttributes": {"favouriteColour": "blue"},
        "roomConfig": {"agents": [{"agentName": "default-receptionist"}]},
    }

    claims = claims_of((await ask.post("/token", json=body)).json()["participant_token"])

    assert (claims["video"]["room"], claims["sub"]) == ("lobby", "anna")
    assert claims["attributes"] == {"favouriteColour": "blue"}


async def test_a_dispatch_name_chooses_the_agent(world: Any, ask: httpx.AsyncClient, make_agent: Make) -> None:
    world.agents.append(make_agent("sales", agent_name="sales-line"))

    response = await ask.post("/token", json={"room_config": {"agents": [{"agent_name": "sales-line"}]}})

    claims = claims_of(response.json()["participant_token"])
    assert claims["roomConfig"]["agents"][0]["agentName"] == "sales-line"


async def test_the_query_chooses_the_agent_of_a_post_too(world: Any, ask: httpx.AsyncClient, make_agent: Make) -> None:
    world.agents.append(make_agent("sales", agent_name="sales-line"))

    response = await ask.post("/token?agent=default/sales", json={})

    claims = claims_of(response.json()["participant_token"])
    assert claims["roomConfig"]["agents"][0]["agentName"] == "sales-line"


async def test_a_query_and_a_dispatch_name_that_disagree_are_refused(ask: httpx.AsyncClient) -> None:
    response = await ask.post(
        "/token?agent=default/receptionist", json={"room_config": {"agents": [{"agent_name": "other"}]}}
    )

    problem = assert_problem(response, 400, "invalid-request")
    assert problem["errors"][0]["field"] == "room_config.agents[0].agent_name"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"room_config": {"egress": {"room": {"room_name": "x"}}}}, "room_config.egress"),
        ({"roomConfig": {"maxParticipants": 5}}, "room_config.max_participants"),
        ({"room_config": {"metadata": "x"}}, "room_config.metadata"),
        ({"room_config": {"agents": [{"deployment": "canary"}]}}, "room_config.agents[0].deployment"),
        ({"room_config": {"agents": [{"attributes": {"a": "b"}}]}}, "room_config.agents[0].attributes"),
        ({"room_config": {"agents": [{}, {}]}}, "room_config.agents"),
        ({"room_config": {"agents": [{"metadata": "x" * 2049}]}}, "room_config.agents[0].metadata"),
        ({"room_config": {"agents": {}}}, "room_config.agents"),
        ({"room_config": []}, "room_config"),
        ({"room_config": ""}, "room_config"),
        ({"room_config": {"agents": ["x"]}}, "room_config.agents[0]"),
        ({"room_preset": "x"}, "room_preset"),
        ({"room_name": "a b"}, "room_name"),
        ({"room_name": 7}, "room_name"),
        ({"participant_identity": "a b"}, "participant_identity"),
        ({"participant_name": "bell\u0007"}, "participant_name"),
        ({"participant_metadata": "x" * 2049}, "participant_metadata"),
        ({"participant_metadata": "é" * 1025}, "participant_metadata"),
        ({"participant_attributes": {"lk.agent.state": "x"}}, "participant_attributes"),
        ({"participant_attributes": {str(n): "" for n in range(33)}}, "participant_attributes"),
        ({"participant_attributes": {"a": 1}}, "participant_attributes.a"),
        ([], "body"),
        ("text", "body"),
    ],
)
async def test_a_part_of_the_body_that_is_not_accepted_is_named(
    ask: httpx.AsyncClient, body: object, field: str
) -> None:
    problem = assert_problem(await ask.post("/token", json=body), 400, "invalid-request")

    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"participant_metadata": "\\ud800"}', b"[" * 30_000, b"NaN"])
async def test_a_body_that_is_no_json_is_refused(ask: httpx.AsyncClient, content: bytes) -> None:
    assert_problem(await ask.post("/token", content=content), 400, "invalid-request")


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(ask: httpx.AsyncClient) -> None:
    assert_problem(await ask.post("/token", content=b" " * 40_000), 413, "too-large")


async def test_a_part_at_its_default_value_is_a_part_not_given(ask: httpx.AsyncClient) -> None:
    body = {
        "room_config": {
            "name": "",
            "max_participants": 0,
            "sync_streams": False,
            "egress": None,
            "agents": [{"agent_name": "", "restart_policy": 0, "attributes": {}}],
        }
    }

    assert (await ask.post("/token", json=body)).status_code == 201
