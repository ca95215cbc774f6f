"""Health, the list of agents, the API's description, and the web client's files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from voiceagent_api.worker_status import SessionRecord, WorkerStatus
from voiceagent_gateway.model import AgentRef, PodRef, PodView

Make = Callable[..., AgentRef]


@pytest.fixture
def client_dir(world: Any, tmp_path: Path) -> Path:
    """A built web client, as Vite leaves it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-BYg9S0x4.js").write_text("export {}")
    (tmp_path / "index.html").write_text("<!doctype html><title>call</title>")
    (tmp_path / "fleet.html").write_text("<!doctype html><title>fleet</title>")
    (tmp_path / "favicon.svg").write_text("<svg/>")
    world.client_dir = tmp_path
    return tmp_path


async def test_alive_is_said_whatever_else_is_wrong(world: Any, ask: httpx.AsyncClient) -> None:
    world.waiting.append("/api/v1/pods")

    assert (await ask.get("/healthz")).status_code == 200


async def test_ready_is_said_only_after_the_first_listing(world: Any, ask: httpx.AsyncClient) -> None:
    world.waiting.append("/api/v1/pods")
    response = await ask.get("/readyz")
    assert response.status_code == 503
    assert response.json()["waiting_for"] == ["/api/v1/pods"]

    world.waiting.clear()
    assert (await ask.get("/readyz")).status_code == 200


async def test_agents_are_listed_with_what_a_caller_needs_and_no_secret(
    world: Any, ask: httpx.AsyncClient, make_agent: Make
) -> None:
    world.agents.append(
        make_agent("sales", ready_replicas=0, ready_summary="0/1", message="Rolling out.", livekit_secret_name="keys")
    )

    response = await ask.get("/agents")

    assert response.headers["cache-control"] == "no-store"
    assert response.json() == [
        {
            "namespace": "default",
            "name": "receptionist",
            "agentName": "default-receptionist",
            "ready": True,
            "suspended": False,
            "readySummary": "1/1",
            "message": "",
            "language": "en",
            "url": "ws://localhost:8080",
        },
        {
            "namespace": "default",
            "name": "sales",
            "agentName": "default-sales",
            "ready": False,
            "suspended": False,
            "readySummary": "0/1",
            "message": "Rolling out.",
            "language": "en",
            "url": "ws://localhost:8080",
        },
    ]


async def test_draining_pods_are_listed_with_their_agent_also_when_it_is_deleted(
    world: Any, ask: httpx.AsyncClient
) -> None:
    def pod(name: str, agent: str, revision: str, calls: int, draining: bool, deadline: str | None = None) -> PodView:
        ref = PodRef(
            name, "default", name, agent, revision, phase="Running", terminating=bool(deadline), deadline=deadline
        )
        sessions = [
            SessionRecord(id=str(number), room="r", started_at="2026-05-04T12:00:00Z", config_revision="c")
            for number in range(calls)
        ]
        status = WorkerStatus(
            namespace="default", agent=agent, agent_name=agent, pod=name, revision=revision, config_revision="c",
            registered=True, draining=draining, sessions=sessions,
        )  # fmt: skip
        return PodView(ref, status)

    world.views = [
        pod("new", "receptionist", "r2", 5, draining=False),
        pod("old", "receptionist", "r1", 1, draining=True),
        pod("left-1", "gone", "r1", 1, True, "2026-05-04T13:00:00Z"),
        pod("left-2", "gone", "r1", 2, True, "2026-05-04T13:30:00Z"),
    ]

    gone, receptionist = (await ask.get("/agents")).json()

    assert receptionist["draining"] == [{"revision": "r1", "pods": 1, "sessions": 1}]
    assert "deleted" not in receptionist
    assert (gone["name"], gone["ready"], gone["deleted"]) == ("gone", False, True)
    assert gone["draining"] == [{"revision": "r1", "pods": 2, "sessions": 3, "deadline": "2026-05-04T13:30:00Z"}]
    assert (await ask.get("/token?agent=default/gone")).status_code == 404


async def test_the_openapi_document_describes_both_token_endpoints(ask: httpx.AsyncClient) -> None:
    document = (await ask.get("/openapi.json")).json()

    assert set(document["paths"]) >= {"/token", "/agents", "/metrics", "/metrics/sessions", "/healthz", "/readyz"}
    body = document["paths"]["/token"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "room_config" in body["properties"]
    assert "$defs" not in str(document)
    assert "/{path}" not in document["paths"]


@pytest.mark.usefixtures("client_dir")
async def test_the_page_is_asked_for_anew_each_time(ask: httpx.AsyncClient) -> None:
    response = await ask.get("/")

    assert response.status_code == 200
    assert "<title>call</title>" in response.text
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.usefixtures("client_dir")
async def test_a_hashed_asset_is_kept_for_ever_and_another_file_is_not(ask: httpx.AsyncClient) -> None:
    asset = await ask.get("/assets/index-BYg9S0x4.js")
    icon = await ask.get("/favicon.svg")

    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in asset.headers["content-type"]
    assert icon.headers["cache-control"] == "no-cache"


@pytest.mark.usefixtures("client_dir")
async def test_a_page_is_found_without_its_ending(ask: httpx.AsyncClient) -> None:
    response = await ask.get("/fleet", headers={"Accept": "text/html,*/*;q=0.8"})

    assert "<title>fleet</title>" in response.text
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.usefixtures("client_dir")
async def test_an_unchanged_page_is_not_sent_twice(ask: httpx.AsyncClient) -> None:
    etag = (await ask.get("/")).headers["etag"]

    assert (await ask.get("/", headers={"If-None-Match": etag})).status_code == 304


@pytest.mark.usefixtures("client_dir")
async def test_the_page_may_connect_to_the_gateway_and_the_agents_livekit_servers_only(
    world: Any, ask: httpx.AsyncClient, make_agent: Make
) -> None:
    world.agents.append(make_agent("sales", livekit_public_url="wss://voice.example/x"))

    policy = (await ask.get("/")).headers["content-security-policy"]

    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["connect-src"].split() == [
        "'self'",
        "http://localhost:8080",
        "https://voice.example",
        "ws://localhost:8080",
        "wss://voice.example",
    ]
    assert directives["media-src"] == "'self' blob:"
    assert directives["default-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"


@pytest.mark.usefixtures("client_dir")
async def test_sites_that_are_allowed_may_show_the_page_in_a_frame_and_no_others(
    world: Any, ask: httpx.AsyncClient
) -> None:
    origins = ["https://www.example.com", "http://localhost:3000"]
    gateway = world.install.gateway.model_copy(update={"allowed_origins": origins})
    world.install = world.install.model_copy(update={"gateway": gateway})

    policy = (await ask.get("/")).headers["content-security-policy"]

    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives["frame-ancestors"] == "'self' https://www.example.com http://localhost:3000"


@pytest.mark.usefixtures("client_dir")
@pytest.mark.parametrize(
    "path", ["/nothing", "/assets/none-BYg9S0x4.js", "/../settings.py", "/%2e%2e/%2e%2e/etc/passwd"]
)
async def test_a_file_that_there_is_not_is_a_problem(ask: httpx.AsyncClient, path: str) -> None:
    response = await ask.get(path)

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("client_dir")
async def test_only_reading_a_file_is_allowed(ask: httpx.AsyncClient) -> None:
    assert (await ask.head("/")).status_code == 200
    assert (await ask.post("/index.html")).status_code == 405


async def test_without_a_web_client_the_first_page_says_so_in_a_sentence(ask: httpx.AsyncClient) -> None:
    response = await ask.get("/")

    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/plain")
    assert response.text == "The web client is not part of this gateway: GATEWAY_CLIENT_DIR is not set.\n"
    assert (await ask.get("/x.js")).headers["content-type"] == "application/problem+json"


async def test_a_web_client_folder_that_does_not_exist_is_named(world: Any, ask: httpx.AsyncClient) -> None:
    world.client_dir = Path("/nowhere/client")

    assert "/nowhere/client does not exist" in (await ask.get("/")).text
