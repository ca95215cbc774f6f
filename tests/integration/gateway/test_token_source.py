"""`POST /token` asked by LiveKit's own client: `TokenSource.endpoint` of livekit-client, in Node, over the network."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from control_plane import REPOSITORY
from local_livekit import API_KEY, API_SECRET
from node import with_node
from voiceagent_gateway.api_keys import entry_text, hash_of, new_key

PUBLIC_URL = "wss://livekit.example.com"
KEY = new_key("page")
Ask = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def livekit_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the livekit-client that the web client has."""
    folder = tmp_path_factory.mktemp("livekit-client")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(REPOSITORY / "client" / name, folder)
    command = ["npm", "ci", "--omit=dev", "--ignore-scripts"]
    done = subprocess.run(
        command, cwd=folder, env=with_node(folder), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def gateway(shared_place: Any, start_gateway: Callable[..., Any], kubeconfig_everywhere: Path) -> Iterator[Any]:
    """A gateway for callers with a key for this agent and the rooms whose names begin with call-."""
    place = shared_place
    place.voice_agent()
    place.agent_status()
    place.secret()
    entry = entry_text(hash_of(KEY), [f"{place.namespace}/receptionist"], ["call-*"], False, None)
    place.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "voiceagents-api-keys", "namespace": place.namespace},
            "stringData": {"page": entry},
        }
    )
    here = ("--namespace", place.namespace)
    place.cluster.do("create", "role", "keys", "--verb=list,watch", "--resource=secrets", *here)
    place.cluster.do("create", "rolebinding", "keys", "--role=keys", "--user=gateway-everywhere", *here)
    started = start_gateway(
        kubeconfig_everywhere,
        f"--own-namespace={place.namespace}",
        livekit_url=PUBLIC_URL,
        auth={"mode": "apiKeys"},
    )
    started.until(started.ready)
    yield started


@pytest.fixture
def ask(livekit_client: Path, gateway: Any) -> Ask:
    """What the client has of its token source for some options."""

    def fetch(options: dict[str, Any]) -> dict[str, Any]:
        script = Path(__file__).with_name("token_source.mjs")
        command = ["node", str(script), f"{gateway.address}/token", KEY, json.dumps(options)]
        done = subprocess.run(
            command, cwd=livekit_client, env=with_node(livekit_client), capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return fetch


def test_the_client_gets_the_server_and_a_token_for_what_it_asked(shared_place: Any, ask: Ask) -> None:
    answer = ask(
        {
            "roomName": "call-7",
            "participantIdentity": "anna",
            "participantName": "Anna Smith",
            "participantMetadata": '{"tier": 1}',
            "participantAttributes": {"tier": "gold"},
            "agentName": f"{shared_place.namespace}-receptionist",
            "agentMetadata": "from the page",
        }
    )

    assert answer["serverUrl"] == PUBLIC_URL
    claims = jwt.decode(answer["participantToken"], API_SECRET, algorithms=["HS256"], issuer=API_KEY)
    assert (claims["sub"], claims["name"], claims["metadata"]) == ("anna", "Anna Smith", '{"tier": 1}')
    assert claims["attributes"] == {"tier": "gold"}
    assert claims["video"]["room"] == "call-7"
    agent = {"agentName": f"{shared_place.namespace}-receptionist", "metadata": "from the page"}
    assert claims["roomConfig"] == {"agents": [agent]}


def test_a_client_that_asks_for_nothing_gets_a_room_of_its_own_with_the_agent(shared_place: Any, ask: Ask) -> None:
    first, second = (
        jwt.decode(ask({})["participantToken"], API_SECRET, algorithms=["HS256"], issuer=API_KEY) for _ in range(2)
    )

    assert first["video"]["room"].startswith("call-")
    assert first["video"]["room"] != second["video"]["room"]
    assert first["roomConfig"] == {"agents": [{"agentName": f"{shared_place.namespace}-receptionist"}]}


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ({"roomName": "lobby"}, 403, "may not use room lobby"),
        ({"agentName": "nobody"}, 404, "nobody"),
        ({"roomName": "call-7", "deployment": "canary"}, 400, "room_config.agents[0].deployment"),
    ],
)
def test_a_refusal_reaches_the_client_in_words(ask: Ask, options: dict[str, Any], status: int, says: str) -> None:
    error = ask(options)["error"]

    assert f"received {status}" in error
    assert says in error
