"""Ten thousand odd requests for a token: none breaks the gateway, and none gets more than its caller may have."""

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import httpx
import jwt
from voiceagent_api.gateway_settings import RateLimits
from voiceagent_gateway.callers import Allow
from voiceagent_gateway.gate import Gate, limits_of
from voiceagent_gateway.identity import ANYBODY, Identity, Scope, denial
from voiceagent_gateway.model import AgentRef, LiveKitCredentials
from voiceagent_gateway.rate_limits import MemoryBuckets

REQUESTS: Final = 10_000
SEED: Final = 7
SECRET: Final = "a-secret-of-at-least-32-characters"
GRANTS: Final = {"roomJoin", "room", "canPublish", "canSubscribe", "canPublishData"}
CALLERS: Final = (
    ANYBODY,
    Identity("none"),
    Identity("a", (Scope(("a/*",), ("web-*",)),)),
    Identity("b", (Scope(("b/two",)), Scope(("a/one",), ("lobby",)))),
)
AGENTS: Final = ("a/one", "a/one", "a/two", "b/two")
ODD_AGENTS: Final = ("b/none", "*", "a/*", "../a", "", "A/ONE", "a/one\n")
ROOMS: Final = ("lobby", "web-1", "web-2", "other")
ODD_ROOMS: Final = ("web-*", "", "a b", "x" * 129, "ｗeb-1", "\u202e", "web-1\n", "..", "web-%2e", "\u0000")
STRANGE: Final = (None, True, -1, 10**30, 1.5, "", "x" * 3000, [], {}, [[]], {"a": {"b": []}}, "\u202e", "😀", "\x00")
KEYS: Final = (
    "room_name", "roomName", "participant_identity", "participantName", "participant_metadata",
    "participant_attributes", "room_config", "roomConfig", "video", "grants", "room_preset", "egress", "kind", "ttl",
)  # fmt: skip


class Named:
    """Believes what the header says: whose name it is."""

    async def identify(self, authorization: str | None, allow: Allow) -> Identity:
        return CALLERS[int(authorization or 0)]


def request_of(chance: random.Random) -> dict[str, Any]:
    params = {}
    for name, good, odd in (("agent", AGENTS, ODD_AGENTS), ("room", ROOMS, ODD_ROOMS), ("identity", ROOMS, ODD_ROOMS)):
        if chance.random() < 0.6:
            params[name] = one_of(chance, good, odd)
    request: dict[str, Any] = {"method": "GET", "params": params}
    if chance.random() < 0.6:
        request = {"method": "POST", "params": params, "json": body_of(chance)}
        if chance.random() < 0.05:
            del request["json"]
            request["content"] = chance.randbytes(chance.randint(0, 200))
    return request


def one_of(chance: random.Random, good: Sequence[str], odd: Sequence[str]) -> str:
    """Mostly a good one: a request with many odd parts is refused for the first."""
    return chance.choice(good if chance.random() < 0.85 else odd)


def body_of(chance: random.Random) -> Any:
    if chance.random() < 0.03:
        return chance.choice(STRANGE)
    body: dict[str, Any] = {}
    if chance.random() < 0.6:
        body["room_name"] = one_of(chance, ROOMS, ODD_ROOMS)
    if chance.random() < 0.3:
        body["participant_name"] = one_of(chance, ROOMS, ODD_ROOMS)
    if chance.random() < 0.4:
        dispatch: dict[str, Any] = {"agent_name": chance.choice(("a-one", "b-two", "a-none", "", "*"))}
        if chance.random() < 0.2:
            dispatch[chance.choice(("metadata", "deployment", "attributes"))] = chance.choice(STRANGE)
        config: dict[str, Any] = {"agents": [dispatch] * chance.choice((1, 1, 1, 1, 2))}
        if chance.random() < 0.2:
            config[chance.choice(("egress", "max_participants", "name", "tags"))] = chance.choice(STRANGE)
        body["room_config"] = config
    while chance.random() < 0.2:
        body[chance.choice(KEYS)] = chance.choice(STRANGE)
    return body


async def test_no_request_breaks_the_gateway_and_no_token_grants_more_than_its_caller_may(
    world: Any, ask: httpx.AsyncClient, make_agent: Callable[..., AgentRef]
) -> None:
    chance = random.Random(SEED)
    world.agents[:] = [make_agent(name, namespace) for namespace, name in (("a", "one"), ("a", "two"), ("b", "two"))]
    references = {agent.agent_name: agent.reference for agent in world.agents}
    for namespace in ("a", "b"):
        world.secrets[(namespace, "livekit")] = LiveKitCredentials("devkey", SECRET)
    unlimited = RateLimits(address_per_minute=0, caller_per_minute=0, unknown_keys_per_minute=0)
    world.gate = Gate(Named(), limits_of(unlimited, MemoryBuckets()))

    tokens = refused = 0
    for _ in range(REQUESTS):
        who = chance.randrange(len(CALLERS))
        request = request_of(chance)
        answer = await ask.request(url="/token", headers={"Authorization": str(who)}, **request)

        assert answer.status_code < 500, (request, answer.text)
        assert answer.headers["cache-control"] == "no-store"
        if answer.status_code not in (200, 201):
            assert answer.headers["content-type"] == "application/problem+json"
            refused += 1
            continue
        tokens += 1
        said = answer.json()
        claims = jwt.decode(said.get("token") or said["participant_token"], SECRET, algorithms=["HS256"])
        assert set(claims["video"]) == GRANTS
        assert claims["exp"] - claims["nbf"] <= 600
        assert set(claims["roomConfig"]) == {"agents"}
        (dispatch,) = claims["roomConfig"]["agents"]
        assert set(dispatch) <= {"agentName", "metadata"}
        assert not {"sip", "inference", "observability", "kind"} & claims.keys()
        assert denial(CALLERS[who], references[dispatch["agentName"]], claims["video"]["room"]) is None, request

    # Both sides were really tried.
    assert tokens > REQUESTS / 20
    assert refused > REQUESTS / 20
