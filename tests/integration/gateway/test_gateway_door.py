"""Places for calls: a real API server, real HTTP endpoints in the place of worker pods, and a real Redis."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from local_redis import redis_server
from voiceagent_api.worker_status import SessionRecord, WorkerStatus

Start = Callable[..., Any]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def gateways(start_gateway: Start, kubeconfig_everywhere: Path, redis: Any) -> list[Any]:
    """Two replicas of a gateway."""
    started = [start_gateway(kubeconfig_everywhere, redis=redis, waitSeconds=2) for _ in range(2)]
    for gateway in started:
        gateway.until(gateway.ready)
    return started


def says(
    place: Any, *rooms: str, capacity: int | None = None, draining: bool = False, ended: str = ""
) -> dict[str, Any]:
    """What a worker pod says that serves these rooms, and served one that has ended."""
    now = datetime.now(UTC)
    over = {"ended_at": now, "outcome": "completed"}
    status = WorkerStatus(
        namespace=place.namespace, agent="receptionist", agent_name=f"{place.namespace}-receptionist", pod="p",
        revision="r1", config_revision="c1", registered=True, draining=draining, session_capacity=capacity,
        sessions=[
            SessionRecord(id=room, room=room, started_at=now, config_revision="c1", **(over if room == ended else {}))
            for room in rooms
        ],
    )  # fmt: skip
    return status.model_dump(mode="json", by_alias=True)


def ask(gateway: Any, place: Any, **query: str) -> httpx.Response:
    response: httpx.Response = gateway.get("/token", params={"agent": f"{place.namespace}/receptionist", **query})
    return response


def problem_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json", response.text
    return str(response.json()["type"]).rsplit("/", 1)[-1]


def known(gateways: list[Any], place: Any, ready: bool = True) -> None:
    """Wait until all gateways know the agent as it is."""
    for gateway in gateways:
        gateway.until(
            lambda gateway=gateway: (
                [agent["ready"] for agent in gateway.get("/agents").json() if agent["namespace"] == place.namespace]
                == [ready]
            )
        )


def demand_of(place: Any) -> dict[str, Any] | None:
    found: dict[str, Any] = place.cluster.get("voiceagents", "receptionist", place.namespace)
    demand: dict[str, Any] | None = found.get("status", {}).get("demand")
    return demand


def test_twenty_callers_of_two_gateways_for_three_places_are_three_tokens_and_seventeen_429(
    place: Any, gateways: list[Any], start_worker: Start
) -> None:
    worker = start_worker()
    worker.status = says(place, capacity=3)
    place.secret()
    place.voice_agent()
    place.agent_status()
    place.pod("receptionist-1", worker.port)
    known(gateways, place)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda number: ask(gateways[number % 2], place), range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 17
    busy = next(answer for answer in answers if answer.status_code == 429)
    assert problem_of(busy) == "agent-full"
    assert int(busy.headers["retry-after"]) > 0

    # The three join, one of them hangs up: its place is the next caller's, and nobody else's.
    rooms = [answer.json()["room"] for answer in answers if answer.status_code == 200]
    worker.status = says(place, *rooms, capacity=3)
    assert ask(gateways[0], place).status_code == 429
    worker.status = says(place, *rooms, capacity=3, ended=rooms[0])
    gateways[1].until(lambda: ask(gateways[1], place).status_code == 200)
    assert ask(gateways[0], place).status_code == 429
    place.delete("pod", "receptionist-1")


def test_a_draining_pod_gives_no_place_and_the_spec_says_how_many_a_silent_pod_has(
    place: Any, gateways: list[Any], start_worker: Start
) -> None:
    old, new = start_worker(), start_worker()
    old.status = says(place, "lobby", draining=True)
    new.status = {"no": "status"}
    place.secret()
    place.voice_agent(scaling={"sessionsPerReplica": 1})
    place.agent_status()
    place.pod("receptionist-old", old.port)
    known(gateways[:1], place)
    gateways[0].until(lambda: ask(gateways[0], place).status_code == 503)

    place.pod("receptionist-new", new.port)
    gateways[0].until(lambda: ask(gateways[0], place).status_code == 200)
    assert ask(gateways[0], place).status_code == 429
    for name in ("receptionist-old", "receptionist-new"):
        place.delete("pod", name)


def test_a_sleeping_agent_is_woken_by_a_caller_and_told_when_nobody_waits_any_more(
    place: Any, gateways: list[Any], start_worker: Start
) -> None:
    worker = start_worker()
    worker.status = says(place, capacity=3)
    place.secret()
    place.voice_agent(scaling={"mode": "Sessions", "minReplicas": 0, "maxReplicas": 2})
    place.agent_status(ready=0, message="It sleeps until somebody calls.")
    known(gateways, place, ready=False)

    refused = ask(gateways[0], place)

    assert (refused.status_code, problem_of(refused)) == (503, "agent-waking")
    assert "there is no pod yet" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) > 0
    place.cluster.until(lambda: (demand_of(place) or {}).get("waiting") == 0, "nobody waits any more")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, gateways[0], place)
        place.cluster.until(lambda: (demand_of(place) or {}).get("waiting") == 1, "the operator is told")
        asked = datetime.fromisoformat((demand_of(place) or {})["lastAskedTime"])
        assert abs((datetime.now(UTC) - asked).total_seconds()) < 60
        place.pod("receptionist-1", worker.port, ready=False)
        slow = waiting.result()
        assert slow.status_code == 503
        assert "pod receptionist-1 is starting" in ask(gateways[0], place).json()["detail"]

        place.pod("receptionist-1", worker.port)
        gateways[0].until(lambda: ask(gateways[0], place).status_code == 200)
    place.cluster.until(lambda: (demand_of(place) or {}).get("waiting") == 0, "nobody waits any more")
    written = json.loads(place.cluster.do(
        "get", "voiceagent", "receptionist", "--namespace", place.namespace, "-o", "json", "--show-managed-fields"
    ))  # fmt: skip
    owners = {entry["manager"]: entry for entry in written["metadata"]["managedFields"]}
    assert owners["voiceagent-gateway"]["operation"] == "Apply"
    assert owners["voiceagent-gateway"]["subresource"] == "status"
    assert set(owners["voiceagent-gateway"]["fieldsV1"]["f:status"]) == {"f:demand"}
    place.delete("pod", "receptionist-1")


def test_a_deleted_agents_pods_are_listed_until_their_last_call_has_ended(
    place: Any, gateways: list[Any], start_worker: Start
) -> None:
    def listed() -> list[Any]:
        return [
            (agent["name"], agent.get("deleted"), [(one["pods"], one["sessions"]) for one in agent.get("draining", [])])
            for agent in gateways[0].get("/agents").json()
            if agent["namespace"] == place.namespace
        ]

    worker = start_worker()
    worker.status = says(place, "lobby")
    place.voice_agent()
    place.agent_status()
    place.pod("receptionist-1", worker.port)
    gateways[0].until(lambda: listed() == [("receptionist", None, [])])
    worker.status = says(place, "lobby", draining=True)
    gateways[0].until(lambda: listed() == [("receptionist", None, [(1, 1)])])

    place.delete("voiceagent", "receptionist")
    gateways[0].until(lambda: listed() == [("receptionist", True, [(1, 1)])])

    place.delete("pod", "receptionist-1")
    gateways[0].until(lambda: listed() == [])


def test_an_agent_at_zero_by_hand_is_not_woken(place: Any, gateways: list[Any]) -> None:
    place.secret()
    place.voice_agent(replicas=0)
    known(gateways[:1], place, ready=False)

    refused = ask(gateways[0], place)

    assert (refused.status_code, problem_of(refused)) == (409, "agent-scaled-to-zero")
    assert demand_of(place) is None


def test_a_redis_that_is_away_costs_nobody_a_token(
    place: Any, gateways: list[Any], redis: Any, start_worker: Start
) -> None:
    worker = start_worker()
    worker.status = says(place, capacity=1)
    place.secret()
    place.voice_agent()
    place.agent_status()
    place.pod("receptionist-1", worker.port)
    known(gateways[:1], place)
    redis.stop()
    try:
        assert ask(gateways[0], place).status_code == 200
        assert ask(gateways[0], place).status_code == 429
        assert "Redis cannot be used" in gateways[0].log
    finally:
        redis.start()
    place.delete("pod", "receptionist-1")
