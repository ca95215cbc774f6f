"""What a real API server takes for a VoiceAgent, and with which sentence it refuses the rest."""

import json
from typing import Any

import pytest

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


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"drain": {"timeoutSeconds": 60}}, DRAIN_SENTENCE),
        ({"sessions": {"maxDurationSeconds": 7200}}, DRAIN_SENTENCE),
        ({"instructions": ""}, "spec.instructions in body should be at least 1 chars long"),
        ({"instructions": "x" * 131073}, "spec.instructions: Too long: may not be more than 131072 bytes"),
        ({"replicas": -1}, "spec.replicas in body should be greater than or equal to 0"),
        ({"scaling": {"mode": "Auto"}}, 'spec.scaling.mode: Unsupported value: "Auto"'),
        ({"logging": {"level": "TRACE"}}, 'supported values: "DEBUG", "INFO", "WARNING", "ERROR"'),
        ({"language": "English"}, "spec.language in body should match"),
        ({"livekit": {"url": "livekit:7880"}}, "spec.livekit.url in body should match"),
        ({"agentName": "with space"}, "spec.agentName in body should match"),
        ({"resources": {"limits": {"memory": "much"}}}, "spec.resources.limits.memory in body should match"),
        ({"image": "with space"}, "spec.image in body should match"),
        ({"instructions": None}, "spec: Invalid value: give exactly one of instructions and instructionsFrom"),
        ({"providers": {"llm": {"provider": "openai"}}}, "spec.providers: Invalid value: name all of stt, llm and tts"),
        ({"greetings": "Hello"}, 'unknown field "spec.greetings"'),
    ],
)
def test_a_wrong_field_is_refused_with_a_sentence(bare_space: Any, spec: dict[str, Any], sentence: str) -> None:
    assert sentence in refused(bare_space.cluster, bare_space.manifest(**spec))


def test_a_credential_can_only_be_a_reference(bare_space: Any) -> None:
    document = bare_space.manifest()
    document["spec"]["providers"]["llm"]["credentialsSecretRef"] = "sk-secret"
    assert "credentialsSecretRef: Invalid value: " in refused(bare_space.cluster, document)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "a" * 53,
            "metadata.name may have at most 52 characters, so that the names of pods and labels made",
        ),
        ("with.dot", "metadata.name may have lower-case letters, digits and hyphens only and must begin with a letter"),
        ("1st", "metadata.name may have lower-case letters, digits and hyphens only and must begin with a letter"),
    ],
)
def test_a_name_that_children_could_not_have_is_refused(bare_space: Any, name: str, sentence: str) -> None:
    assert sentence in refused(bare_space.cluster, bare_space.manifest(name))


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
