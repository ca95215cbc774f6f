"""What a real API server takes for a VoiceAgent, and with which sentence it refuses the rest."""

import json
from typing import Any

DRAIN_SENTENCE = (
    "spec.drain.timeoutSeconds must be at least spec.sessions.maxDurationSeconds, or a rollout would cut calls; "
    "raise the first or lower the second"
)
AGENT_NAME_SENTENCE = (
    "spec.agentName cannot be added, removed or changed, since callers are dispatched by it; make a new VoiceAgent"
)


def refused(cluster: Any, document: dict[str, Any]) -> str:
    """kubectl's error for a VoiceAgent that is not taken."""
    done = cluster.kubectl("apply", "-f", "-", text=json.dumps(document))
    assert done.returncode != 0, done.stdout
    return str(done.stderr)


def taken(space: Any, name: str = "receptionist", **spec: Any) -> dict[str, Any]:
    """The spec as the API server keeps it, once kubectl has handed it over."""
    space.cluster.do("apply", "-f", "-", text=json.dumps(space.manifest(name, **spec)))
    kept: dict[str, Any] = space.get("voiceagents", name)["spec"]
    return kept


def test_what_is_left_out_gets_its_default(bare_space: Any) -> None:
    spec = taken(bare_space)
    assert spec["drain"] == {"timeoutSeconds": 3600}
    assert spec["sessions"] == {"maxDurationSeconds": 3600, "memoryLimit": "512Mi"}
    assert spec["logging"] == {"level": "INFO", "format": "json"}
    assert spec["scaling"]["mode"] == "Manual"
    assert (spec["replicas"], spec["suspend"], spec["language"]) == (1, False, "en")


def test_a_null_is_as_if_left_out(bare_space: Any) -> None:
    spec = taken(bare_space, image=None, livekit={"url": None}, drain=None)
    assert "image" not in spec
    assert spec["livekit"] == {}
    assert spec["drain"] == {"timeoutSeconds": 3600}


def test_options_are_kept_whatever_they_hold(bare_space: Any) -> None:
    llm = {"provider": "openai", "options": {"temperature": 0.4, "nested": {"list": [1, "two"]}}}
    providers = {"stt": {"provider": "deepgram"}, "llm": llm, "tts": {"provider": "openai"}}
    assert taken(bare_space, providers=providers)["providers"]["llm"] == llm


def test_amounts_may_be_numbers_or_quantities(bare_space: Any) -> None:
    amounts = {"requests": {"cpu": 1, "memory": "1.5Gi"}, "limits": {"cpu": "1500m"}}
    assert taken(bare_space, resources=amounts)["resources"] == amounts


def test_instructions_of_more_than_128_kib_are_refused(bare_space: Any) -> None:
    for text in ("x" * 131073, "é" * 65537):
        told = refused(bare_space.cluster, bare_space.manifest(instructions=text))
        assert "spec.instructions: " in told
        assert "131072 bytes" in told


def test_the_longest_name_is_taken(bare_space: Any) -> None:
    taken(bare_space, "a" * 52)


def test_the_dispatch_name_stays_as_it_was_made(bare_space: Any) -> None:
    taken(bare_space, "named", agentName="front-desk")
    taken(bare_space, "unnamed")
    for name, spec in (("named", {"agentName": "other"}), ("named", {}), ("unnamed", {"agentName": "front-desk"})):
        assert AGENT_NAME_SENTENCE in refused(bare_space.cluster, bare_space.manifest(name, **spec))
    assert taken(bare_space, "named", agentName="front-desk", greeting="Hi.")["greeting"] == "Hi."


def test_malformed_yaml_ends_in_the_clients_own_error(bare_space: Any) -> None:
    done = bare_space.cluster.kubectl("apply", "-f", "-", text="kind: VoiceAgent\nspec: {providers: [\n")
    assert done.returncode == 1
    assert "error converting YAML to JSON: yaml: line 2: did not find expected node content" in done.stderr


def test_explain_describes_the_kind_and_its_fields(cluster: Any) -> None:
    assert "A voice agent that answers calls on LiveKit" in cluster.do("explain", "va")
    assert "What the agent says first." in cluster.do("explain", "voiceagent.spec.greeting")


def test_it_is_found_by_its_plural_and_short_name(bare_space: Any) -> None:
    bare_space.apply()
    for kind in ("va", "voiceagent", "voiceagents", "voiceagents.voiceagents.dev"):
        assert bare_space.do("get", kind, "receptionist", "-o", "name") == ("voiceagent.voiceagents.dev/receptionist\n")
