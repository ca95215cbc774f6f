"""What the operator tells where something is wrong, and that it heals once that is put right."""

import json
from typing import Any


def mounted_config_map(space: Any) -> str:
    """Name of the ConfigMap that the Deployment's pods mount."""
    volumes = space.get("deployments")["spec"]["template"]["spec"]["volumes"]
    return str(next(volume["configMap"]["name"] for volume in volumes if "configMap" in volume))


def test_an_unknown_provider_is_told_and_what_runs_stays(operator: Any, space: Any) -> None:
    space.apply()
    before = space.until_deployed()
    document = space.manifest()
    document["spec"]["providers"]["llm"]["provider"] = "opnai"
    space.cluster.apply(document, "voiceagents")
    ready = space.until_reason("UnknownProvider")
    assert ready["message"] == (
        'spec.providers.llm.provider "opnai" is not known. Did you mean "openai"? Known llm providers: openai.'
    )
    assert space.condition("Stalled")["status"] == "True"
    assert space.condition("ProvidersReady")["status"] == "False"
    assert space.get("deployments")["metadata"]["generation"] == before["metadata"]["generation"]
    space.apply()
    space.until_reason("PodsNotReady")
    assert space.condition("Stalled")["status"] == "False"


def test_a_missing_secret_is_told_with_the_command_that_makes_it_and_heals_by_itself(operator: Any, space: Any) -> None:
    space.do("delete", "secret", "openai")
    space.apply()
    told = space.until_reason("SecretMissing", "ProvidersReady")
    assert told["message"] == (
        f"Secret {space.name}/openai with key OPENAI_API_KEY is missing; needed by llm openai, tts openai. Make it: "
        f"kubectl --namespace {space.name} create secret generic openai --from-literal=OPENAI_API_KEY=..."
    )
    assert space.condition("Ready")["reason"] == "SecretMissing"
    space.secret("openai", WRONG_KEY="value")
    assert "has no key OPENAI_API_KEY" in space.until_reason("SecretKeyMissing", "ProvidersReady")["message"]
    space.do("patch", "secret", "openai", "-p", '{"stringData":{"OPENAI_API_KEY":"x"}}')
    assert space.until_reason("CredentialsFound", "ProvidersReady")["status"] == "True"
    space.until_reason("PodsNotReady")


def test_a_missing_livekit_secret_is_told_and_a_changed_one_rolls_the_pods(operator: Any, bare_space: Any) -> None:
    space = bare_space
    space.secret("openai", OPENAI_API_KEY="x")
    space.secret("deepgram", DEEPGRAM_API_KEY="x")
    space.apply()
    told = space.until_reason("LiveKitSecretMissing")["message"]
    assert f"Secret {space.name}/livekit with key LIVEKIT_API_KEY and LIVEKIT_API_SECRET is missing" in told
    space.secret("livekit", LIVEKIT_API_KEY="key", LIVEKIT_API_SECRET="secret")
    space.until_reason("PodsNotReady")
    first = mounted_config_map(space)
    space.do("patch", "secret", "livekit", "-p", '{"stringData":{"LIVEKIT_API_SECRET":"another"}}')
    space.cluster.until(lambda: mounted_config_map(space) != first, "a new pod template")
    rolled = mounted_config_map(space)
    space.do("delete", "secret", "livekit")
    space.until_reason("LiveKitSecretMissing")
    assert mounted_config_map(space) == rolled, "what runs stays"


def test_a_pod_that_keeps_ending_is_explained_in_ready(operator: Any, space: Any) -> None:
    space.apply()
    space.until_deployed()
    pod = space.list("pods")[0]["metadata"]["name"]
    container = {
        "name": "worker", "image": "x", "imageID": "", "ready": False, "restartCount": 4,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1m"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": "The config file is not there."}},
    }  # fmt: skip
    status = {"status": {"phase": "Running", "containerStatuses": [container]}}
    space.do("patch", "pod", pod, "--subresource=status", "--type=merge", "-p", json.dumps(status))
    assert space.until_reason("CrashLoopBackOff")["message"] == (
        f"0 of 1 worker pods are ready. Pod {space.name}/{pod} keeps ending with exit code 1 (4 restarts): The config "
        f"file is not there. Its log: kubectl --namespace {space.name} logs {pod} --previous"
    )


def test_an_object_of_another_owner_is_never_seized(operator: Any, space: Any) -> None:
    space.do("create", "service", "clusterip", "receptionist", "--tcp=80:80")
    before = space.get("services")
    space.apply()
    told = space.until_reason("NameConflict")
    assert told["message"].startswith(f"Service {space.name}/receptionist exists and is not this VoiceAgent's")
    assert space.get("services") == before
    assert space.get("deployments") is None
    space.do("delete", "service", "receptionist")
    space.until_deployed()


def test_a_child_that_the_api_server_refuses_is_told_with_its_words(operator: Any, space: Any) -> None:
    space.apply(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}})
    told = space.until_reason("ApplyFailed")["message"]
    assert "Deployment" in told
    assert "must be less than or equal to cpu limit" in told
    space.apply()
    space.until_deployed()
