"""What callers are answered who ask for a token."""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import jwt
import pytest
from voiceagent_api.install import LiveKitDefaults
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


async def test_a_token_joins_its_room_only_and_calls_its_agent(ask: httpx.AsyncClient) -> None:
    response = await ask.get("/token", params={"room": "lobby", "identity": "anna"})

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    claims = claims_of(body["token"])
    assert claims["sub"] == "anna"
    assert claims["video"] == {
        "roomJoin": True,
        "room": "lobby",
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
    }
    assert claims["roomConfig"]["agents"] == [{"agentName": "default-receptionist"}]
    assert (body["room"], body["identity"], body["url"]) == ("lobby", "anna", "ws://localhost:8080")


async def test_a_token_lives_as_long_as_the_install_says(ask: httpx.AsyncClient) -> None:
    body = (await ask.get("/token")).json()

    claims = claims_of(body["token"])
    assert claims["exp"] - claims["nbf"] == 300
    assert datetime.fromisoformat(body["expires_at"]).timestamp() == claims["exp"]


async def test_room_and_identity_left_out_are_made_up_anew_each_time(ask: httpx.AsyncClient) -> None:
    first, second = [(await ask.get("/token")).json() for _ in range(2)]

    assert first["room"] == "receptionist-id1"
    assert first["identity"] == "caller-id2"
    assert first["room"] != second["room"]


@pytest.mark.parametrize("field", ["room", "identity"])
@pytest.mark.parametrize("value", ["", "two words", "x" * 129, "naïve", "a/b", "line\n"])
async def test_a_name_that_breaks_the_rule_is_refused_by_field_and_rule(
    ask: httpx.AsyncClient, field: str, value: str
) -> None:
    problem = assert_problem(await ask.get("/token", params={field: value}), 400, "invalid-request")

    assert problem["errors"][0]["field"] == field
    assert "1 to 128 characters" in problem["errors"][0]["rule"]
    assert field in problem["detail"]


async def test_every_wrong_field_is_named_at_once(ask: httpx.AsyncClient) -> None:
    response = await ask.get("/token", params={"room": "a b", "identity": "c d", "agent": "nameonly"})

    problem = assert_problem(response, 400, "invalid-request")
    assert [error["field"] for error in problem["errors"]] == ["room", "identity", "agent"]


async def test_several_agents_and_none_named_is_refused_with_the_list(
    world: Any, ask: httpx.AsyncClient, make_agent: Make
) -> None:
    world.agents.append(make_agent("sales"))

    problem = assert_problem(await ask.get("/token"), 400, "agent-ambiguous")

    assert problem["agents"] == ["default/receptionist", "default/sales"]
    assert "default/sales" in problem["detail"]


async def test_a_named_agent_is_the_one_that_is_called(world: Any, ask: httpx.AsyncClient, make_agent: Make) -> None:
    world.agents.append(make_agent("sales", agent_name="sales-line"))

    body = (await ask.get("/token", params={"agent": "default/sales"})).json()

    assert claims_of(body["token"])["roomConfig"]["agents"] == [{"agentName": "sales-line"}]
    assert body["room"].startswith("sales-")


async def test_an_unknown_agent_is_answered_with_the_nearest_name(ask: httpx.AsyncClient) -> None:
    problem = assert_problem(await ask.get("/token?agent=default/receptionst"), 404, "agent-unknown")

    assert "did you mean default/receptionist?" in problem["detail"]


async def test_no_agent_at_all_is_answered_404(world: Any, ask: httpx.AsyncClient) -> None:
    world.agents.clear()

    assert_problem(await ask.get("/token"), 404, "agent-unknown")


async def test_a_suspended_agent_is_answered_409(world: Any, ask: httpx.AsyncClient, make_agent: Make) -> None:
    world.agents[:] = [make_agent(suspended=True)]

    assert_problem(await ask.get("/token"), 409, "agent-suspended")


async def test_an_agent_without_a_ready_pod_is_answered_503_with_its_reason_and_when_to_come_again(
    world: Any, ask: httpx.AsyncClient, make_agent: Make
) -> None:
    world.agents[:] = [make_agent(ready_replicas=0, message='Secret "openai" is missing.')]

    response = await ask.get("/token")

    problem = assert_problem(response, 503, "agent-not-ready")
    assert int(response.headers["retry-after"]) > 0
    assert 'Secret "openai" is missing.' in problem["detail"]


async def test_missing_livekit_credentials_are_answered_503_with_secret_and_namespace(
    world: Any, ask: httpx.AsyncClient
) -> None:
    world.secrets.clear()

    problem = assert_problem(await ask.get("/token"), 503, "livekit-credentials")

    assert "livekit" in problem["detail"]
    assert "default" in problem["detail"]


async def test_before_agents_are_listed_a_token_is_answered_503(world: Any, ask: httpx.AsyncClient) -> None:
    world.waiting.append("/apis/voiceagents.dev/v1alpha1/voiceagents")

    assert_problem(await ask.get("/token"), 503, "starting")


async def test_an_agents_own_public_url_is_told_before_the_installs(
    world: Any, ask: httpx.AsyncClient, make_agent: Make
) -> None:
    world.agents[:] = [make_agent(livekit_public_url="wss://voice.example")]

    assert (await ask.get("/token")).json()["url"] == "wss://voice.example"


async def test_no_livekit_address_at_all_is_answered_503(world: Any, ask: httpx.AsyncClient) -> None:
    world.install = world.install.model_copy(update={"livekit": LiveKitDefaults()})

    assert_problem(await ask.get("/token"), 503, "livekit-unknown")


async def test_only_a_room_that_the_caller_names_is_looked_at_for_a_missing_agent(
    world: Any, ask: httpx.AsyncClient
) -> None:
    await ask.get("/token")
    assert world.calls == []

    await ask.get("/token?room=lobby")
    assert world.calls == [("ws://livekit:7880", "lobby", "default-receptionist", "")]


async def test_each_token_is_audited_and_its_text_is_in_no_log(
    ask: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        body = (await ask.get("/token?room=lobby&identity=anna")).json()

    records = [record for record in caplog.records if record.name == "voiceagent_gateway.audit"]
    assert len(records) == 1
    said = vars(records[0])
    assert (said["who"], said["address"], said["agent"]) == ("anonymous", "192.0.2.7", "default/receptionist")
    assert (said["room"], said["identity"]) == ("lobby", "anna")
    everything = json.dumps([vars(record) for record in caplog.records], default=str)
    assert body["token"] not in everything
    assert SECRET not in everything


async def test_a_method_that_there_is_not_is_a_problem_too(ask: httpx.AsyncClient) -> None:
    response = await ask.delete("/token")

    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "GET, POST"


async def test_a_bug_is_a_problem_that_tells_nothing_of_the_inside(
    world: Any, ask: httpx.AsyncClient, make_agent: Make
) -> None:
    world.agents[:] = [make_agent(ready_replicas=None)]

    problem = assert_problem(await ask.get("/token"), 500, "internal-error")

    assert "NoneType" not in json.dumps(problem)
