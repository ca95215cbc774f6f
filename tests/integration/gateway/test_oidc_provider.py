"""Callers by the tokens of a real OpenID Connect server (oidc-provider), whose keys change and which goes away."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from local_oidc import Client, OidcServer, oidc_server
from voiceagent_gateway.api_keys import entry_text, hash_of, new_key

AUDIENCE = "voiceagents"
CLIENTS = {
    "sales": Client(AUDIENCE, groups=("sales",)),
    "nobody": Client(AUDIENCE),
    "elsewhere": Client("another-product", groups=("sales",)),
    "hasty": Client(AUDIENCE, seconds=3, groups=("sales",)),
}
KEY = new_key("page")


@dataclass
class Scene:
    """The server of tokens, and a gateway for them."""

    server: OidcServer
    place: Any
    start: Callable[[str], Any]

    def asked(self, gateway: Any, token: str) -> int:
        """The status with which a request for a call's token is answered."""
        query = {"agent": f"{self.place.namespace}/receptionist"}
        answer = gateway.get("/token", params=query, headers={"Authorization": f"Bearer {token}"})
        return int(answer.status_code)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcServer]:
    with oidc_server(tmp_path_factory.mktemp("oidc"), CLIENTS) as server:
        yield server


@pytest.fixture
def scene(place: Any, server: OidcServer, start_gateway: Callable[..., Any], kubeconfig_everywhere: Path) -> Scene:
    place.voice_agent()
    place.agent_status()
    place.secret()
    place.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "voiceagents-api-keys", "namespace": place.namespace},
            "stringData": {"page": entry_text(hash_of(KEY), ["*"], ["*"], False, None)},
        }
    )
    here = ("--namespace", place.namespace)
    place.cluster.do("create", "role", "keys", "--verb=list,watch", "--resource=secrets", *here)
    place.cluster.do("create", "rolebinding", "keys", "--role=keys", "--user=gateway-everywhere", *here)
    oidc = {
        "issuer": server.issuer,
        "audience": AUDIENCE,
        "leewaySeconds": 0,
        "scopes": [{"claim": "groups", "value": "sales", "agents": [f"{place.namespace}/*"]}],
    }

    def start(mode: str) -> Any:
        unlimited = dict.fromkeys(("addressPerMinute", "callerPerMinute", "unknownKeysPerMinute"), 0)
        gateway = start_gateway(
            kubeconfig_everywhere,
            f"--own-namespace={place.namespace}",
            livekit_url="wss://livekit.example.com",
            auth={"mode": mode, "oidc": oidc},
            rateLimits=unlimited,
        )
        gateway.until(gateway.ready)
        return gateway

    server.stop()
    return Scene(server, place, start)


def kid(token: str) -> Any:
    return jwt.get_unverified_header(token)["kid"]


@pytest.mark.parametrize(("mode", "by_key"), [("oidc", 401), ("both", 200)])
def test_tokens_of_the_issuer_are_taken_for_what_they_are(scene: Scene, mode: str, by_key: int) -> None:
    scene.server.start("first", "ES256" if mode == "both" else "RS256")
    gateway = scene.start(mode)

    good = scene.server.token("sales")
    gateway.until(lambda: scene.asked(gateway, good) == 200)
    (line,) = [line for line in gateway.lines if line.get("outcome") == "given"]
    assert line["who"] == "oidc:sales"

    assert scene.asked(gateway, scene.server.token("elsewhere")) == 401, "it is for somebody else"
    assert scene.asked(gateway, scene.server.token("nobody")) == 403, "it is good, and lets its bearer do nothing"
    head, body, signature = good.split(".")
    assert scene.asked(gateway, f"{head}.{body}.{signature[::-1]}") == 401
    assert scene.asked(gateway, KEY) == by_key

    hasty = scene.server.token("hasty")
    assert kid(hasty) == "first"
    gateway.until(lambda: scene.asked(gateway, hasty) == 401)
    assert scene.asked(gateway, good) == 200


def test_an_issuer_that_changes_its_keys_or_is_away_costs_nobody_their_calls(scene: Scene) -> None:
    scene.server.start("first")
    gateway = scene.start("oidc")
    old = scene.server.token("sales")
    gateway.until(lambda: scene.asked(gateway, old) == 200)

    scene.server.stop()
    late = scene.start("both")
    assert scene.asked(late, old) == 503, "this gateway has never seen the issuer's keys"
    assert scene.asked(late, KEY) == 200
    assert scene.asked(gateway, old) == 200, "and this one remembers them"

    scene.server.start("second")
    new = scene.server.token("sales")
    assert kid(new) == "second"
    for one in (gateway, late):
        one.until(lambda one=one: scene.asked(one, new) == 200, seconds=120)
        assert scene.asked(one, old) == 401, "its key is one of the issuer's no more"
    assert "the OIDC issuer's keys cannot be had" in late.log
