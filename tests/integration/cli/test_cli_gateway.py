"""Keys, and what the gateway answers."""

import json
import socket
import urllib.request
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from voiceagent_gateway.api_keys import parse_entry, verify

SECRET = "voiceagents-api-keys"


@pytest.fixture
def without_keys(cluster: Any) -> Iterator[None]:
    """No keys before and after: the Secret is in a namespace that others share."""
    delete = ("-n", "default", "delete", "secret", SECRET, "--ignore-not-found")
    cluster.do(*delete)
    yield
    cluster.do(*delete)


def test_a_key_is_made_listed_used_and_revoked(desk: Any, gateway: Any, without_keys: None) -> None:
    place = ("-n", "default")
    dry = desk.voiceagent("keys", "create", "site", "--agents", "*", "--dry-run", *place)
    assert (dry.code, dry.out) == (0, "")
    assert desk.cluster.get("secrets", SECRET, "default") is None
    made = desk.voiceagent("keys", "create", "site", "--agents", f"{desk.namespace}/*", "--rooms", "web-*", *place)
    assert made.code == 0, made
    key = made.out.strip()
    assert key not in made.err
    boss = desk.voiceagent("keys", "create", "boss", "--agents", "*", "--metrics", "--expires", "2999-01-31", *place)
    assert boss.code == 0
    data = desk.cluster.get("secrets", SECRET, "default")["data"]
    assert verify(parse_entry("site", b64decode(data["site"])).hash, key)
    assert desk.voiceagent("keys", "list", *place).out == (
        "NAME   AGENTS           ROOMS   METRICS   EXPIRES                FAULT\n"
        "boss   *                *       yes       2999-01-31T00:00:00Z   -\n"
        f"site   {desk.namespace}/*   web-*   no        never                  -\n"
    )
    again = desk.voiceagent("keys", "create", "site", "--agents", "*", *place)
    assert again.code == 5
    assert 'There is a key "site" already.' in again.err

    with gateway(auth={"mode": "apiKeys"}) as address:
        desk.environment |= {"VOICEAGENT_GATEWAY": address}
        nobody = desk.voiceagent("metrics")
        assert (nobody.code, nobody.out) == (5, "")
        assert "Give an API key by VOICEAGENT_API_KEY or --key." in nobody.err
        desk.environment |= {"VOICEAGENT_API_KEY": key}
        assert desk.voiceagent("metrics").code == 5
        desk.environment |= {"VOICEAGENT_API_KEY": boss.out.strip()}
        assert desk.voiceagent("metrics").code == 0
        assert desk.voiceagent("keys", "revoke", "boss", "--yes", *place).code == 0
        desk.cluster.until(lambda: desk.voiceagent("metrics").code == 5, "the revoked key is refused")

    assert desk.voiceagent("keys", "list", "-o", "name", *place).out == "site\n"
    gone = desk.voiceagent("keys", "revoke", "boss", "--yes", *place)
    assert gone.code == 4
    assert 'There is no key "boss". There are: site.' in gone.err


def test_calls_metrics_and_tokens(desk: Any, gateway: Any) -> None:
    desk.apply()
    with gateway(allowTestMetrics=True) as address:
        place = ("--gateway", address)
        assert desk.voiceagent("sessions", *place).out == "AGENT   ROOM   STATE   TIME   TURNS   E2E MS   POD\n"
        made = json.loads(_get(f"{address}/metrics/test"))["created"]
        ended = json.loads(desk.voiceagent("sessions", "--ended", "-o", "json", *place).out)
        assert {one["id"] for one in made} == {one["id"] for one in ended}
        lines = desk.voiceagent("sessions", "--ended", *place).out.splitlines()
        assert len(lines) == 1 + len(made)
        assert any(made[0]["room"] in line for line in lines)
        metrics = desk.voiceagent("metrics", *place).out.splitlines()
        assert metrics[0].split() == ["Calls", "now", "0"]
        assert metrics[1].split() == ["Ended", "within", "the", "hour", str(len(made))]
        assert set(json.loads(desk.voiceagent("metrics", "--full", *place).out)) >= {"sessions", "performance", "pods"}

        token = desk.voiceagent("token", "receptionist", "-n", desk.namespace, *place)
        assert token.code != 0
        assert "The gateway refused: " in token.err
        unknown = desk.voiceagent("token", "nowhere/nobody", *place)
        assert unknown.code == 4, unknown


def test_a_token_is_for_a_call_with_the_agent_that_is_meant(desk: Any, gateway: Any) -> None:
    desk.secret("livekit", LIVEKIT_API_KEY="devkey", LIVEKIT_API_SECRET="a secret of the tests, of 32 bytes")
    desk.apply()
    desk.ready()
    with gateway() as address:
        desk.environment |= {"VOICEAGENT_GATEWAY": address}
        desk.cluster.until(lambda: desk.voiceagent("token", "receptionist").code == 0, "the gateway knows the agent")
        # By the namespace of the kubeconfig's context, by an option, and in full.
        for words in (("receptionist",), ("receptionist", "-n", desk.namespace), (f"{desk.namespace}/receptionist",)):
            told = json.loads(desk.voiceagent("token", *words, "--identity", "me", "-o", "json").out)
            assert (told["identity"], told["url"]) == ("me", "ws://livekit.test:7880")
            assert claims(told["token"])["roomConfig"]["agents"][0]["agentName"] == f"{desk.namespace}-receptionist"
        alone = desk.voiceagent("token", "receptionist", "-o", "name")
        assert (alone.err, claims(alone.out)["video"]["roomJoin"]) == ("", True)
        table = desk.voiceagent("token", "receptionist").out
        assert [line.split()[0] for line in table.splitlines()] == ["token", "url", "room", "identity", "expires"]


def claims(token: str) -> Any:
    """What a token says, whoever signed it."""
    body = token.split(".")[1]
    return json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_a_gateway_that_is_not_there(desk: Any) -> None:
    closed = desk.voiceagent("metrics", "--gateway", "http://127.0.0.1:1")
    assert closed.code == 6
    assert "The gateway at http://127.0.0.1:1 does not answer" in closed.err
    assert desk.voiceagent("metrics", "--gateway", "voice.test").code == 2
    assert desk.voiceagent("metrics", "--gateway", "http://a:b@voice.test").code == 2
    none = desk.voiceagent("metrics")
    assert none.code == 4
    assert "Give its address by --gateway" in none.err


def test_without_an_address_the_way_leads_through_the_api_server(desk: Any, gateway: Any) -> None:
    address = own_address()
    desk.apply()
    try:
        with gateway(address) as url:
            port = int(url.rpartition(":")[2])
            serve(desk, port)
            podless = desk.voiceagent("metrics")
            assert podless.code == 6
            assert "No gateway pod answers" in podless.err
            give_pod(desk, address, port)
            metrics = desk.voiceagent("metrics")
            assert metrics.code == 0, metrics
            assert metrics.out.splitlines()[0].split() == ["Calls", "now", "0"]
            unknown = desk.voiceagent("token", "nowhere/nobody")
            assert (unknown.code, unknown.out) == (4, "")
            assert "The gateway refused: There is no VoiceAgent nowhere/nobody." in unknown.err
            keyed = desk.voiceagent("metrics", "--key", "va_x_1234567890123456")
            assert keyed.code == 2
            assert f"kubectl port-forward -n {desk.namespace} svc/voiceagents-gateway 8000:80" in keyed.err
    finally:
        desk.cluster.do("-n", desk.namespace, "delete", "service", "voiceagents-gateway")


def own_address() -> str:
    """An address of this machine to which the API server would go on: it goes to no loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])


def serve(desk: Any, port: int) -> None:
    """The gateway's Service, as the chart makes it."""
    labels = {"app.kubernetes.io/part-of": "voiceagent-operator"}
    spec = {
        "selector": {"app.kubernetes.io/name": "voiceagent-gateway"},
        "ports": [{"name": "http", "port": 80, "targetPort": port}],
    }
    body = {"metadata": {"name": "voiceagents-gateway", "labels": labels}, "spec": spec}
    desk.cluster.post(f"/api/v1/namespaces/{desk.namespace}/services", body)


def give_pod(desk: Any, address: str, port: int) -> None:
    """What kubelet and endpoint controllers would write for the gateway's pod."""
    core, pod = f"/api/v1/namespaces/{desk.namespace}", {"kind": "Pod", "name": "gateway", "namespace": desk.namespace}
    container = {"name": "gateway", "image": "none"}
    desk.cluster.post(f"{core}/pods", {"metadata": {"name": "gateway"}, "spec": {"containers": [container]}})
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    desk.cluster.merge(f"{core}/pods/gateway/status", {"status": status})
    ports = [{"name": "http", "port": port}]
    subset = {"addresses": [{"ip": address, "targetRef": pod}], "ports": ports}
    desk.cluster.post(f"{core}/endpoints", {"metadata": {"name": "voiceagents-gateway"}, "subsets": [subset]})
    slice_ = {
        "metadata": {"name": "gateway", "labels": {"kubernetes.io/service-name": "voiceagents-gateway"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "targetRef": pod, "conditions": {"ready": True}}],
        "ports": ports,
    }
    desk.cluster.post(f"/apis/discovery.k8s.io/v1/namespaces/{desk.namespace}/endpointslices", slice_)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())
