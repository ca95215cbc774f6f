"""Which agents are called by which names, and on which LiveKit."""

from typing import Any

from voiceagent_api.install import LiveKitDefaults
from voiceagent_operator.callees import Access, Callees
from voiceagent_operator.objects import Key

A = Key("default", "receptionist")
DEFAULT = Access("ws://livekit.test", Key("default", "livekit"))


def callees() -> Callees:
    return Callees(LiveKitDefaults(url="ws://livekit.test"))


def test_the_installs_server_and_secret_and_the_usual_name_hold_where_nothing_else_is_said(manifest: Any) -> None:
    known = callees()
    known.note(A, manifest(agentName=None, livekit={}))
    assert known.names() == {DEFAULT: {"default-receptionist": A}}


def test_an_agent_is_called_where_its_spec_says(manifest: Any) -> None:
    known = callees()
    own = {"url": "wss://own.test", "credentialsSecretRef": {"name": "own"}}
    known.note(A, manifest(agentName="front-desk", livekit=own))
    assert known.names() == {Access("wss://own.test", Key("default", "own")): {"front-desk": A}}
    known.note(A, manifest(livekit={}))
    assert list(known.names()) == [DEFAULT]


def test_who_is_suspended_leaving_or_gone_is_not_called(manifest: Any) -> None:
    known = callees()
    leaving = manifest()
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    for body in (manifest(suspend=True), leaving, None):
        known.note(A, manifest())
        assert known.get(A) is not None
        known.note(A, body)
        assert known.get(A) is None
        assert known.names() == {}
