"""Each Secret is made when it is missing, and LiveKit's two agree."""

import base64
import json

import pytest
from voiceagent_sandbox.credentials import LIVEKIT, SERVER_KEYS, Data, missing_secrets, read_secret
from voiceagent_sandbox.process import SandboxError


def made(found: dict[tuple[str, str], Data]) -> dict[tuple[str, str], Data]:
    """The Secrets to make, by namespace and name."""
    secrets = json.loads(json.dumps(missing_secrets(found)))
    return {(s["metadata"]["namespace"], s["metadata"]["name"]): s["stringData"] for s in secrets}


def test_a_new_cluster_gets_all_four_and_a_whole_one_none() -> None:
    everything = made({})
    assert len(everything) == 4
    assert made(everything) == {}


def test_whichever_of_livekits_secrets_is_lost_is_made_from_the_other() -> None:
    everything = made({})
    for lost in (SERVER_KEYS, LIVEKIT):
        kept = {place: data for place, data in everything.items() if place != lost}
        assert made(kept) == {lost: everything[lost]}


def test_a_deleted_providers_secret_is_made_again() -> None:
    everything = made({})
    del everything["default", "openai"]
    assert list(made(everything)) == [("default", "openai")]


def test_somebodys_own_livekit_secret_gives_the_server_its_key() -> None:
    own = {LIVEKIT: {"LIVEKIT_API_KEY": "mine", "LIVEKIT_API_SECRET": "quiet"}}
    new = made(own)
    assert new[SERVER_KEYS] == {"keys.yaml": "mine: quiet\n"}
    assert LIVEKIT not in new


def test_two_keys_that_differ_are_told_without_showing_either() -> None:
    found = {**made({}), LIVEKIT: {"LIVEKIT_API_KEY": "mine", "LIVEKIT_API_SECRET": "quiet"}}
    with pytest.raises(SandboxError, match="another key") as refusal:
        missing_secrets(found)
    assert "quiet" not in str(refusal.value)


def test_a_secrets_data_is_read_in_the_clear() -> None:
    said = json.dumps({"data": {"LIVEKIT_API_KEY": base64.b64encode(b"APIx").decode()}})
    assert read_secret(said) == {"LIVEKIT_API_KEY": "APIx"}
