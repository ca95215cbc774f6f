"""What the operator tells where something is wrong, and that it heals once that is put right."""

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
        'spec.providers.llm.provider "opnai" is not known. Did you mean "openai"? Known llm providers: openai, '
        "openai_compatible, anthropic, cohere, google, azure."
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
    told = space.until_reason("NoPods", "ProvidersReady")
    assert (told["status"], told["message"]) == (
        "Unknown",
        "Every provider's Secret has its key. No worker pod runs, so that no provider has been asked.",
    )
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


FOREIGN_DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "receptionist"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "desk"}},
        "template": {
            "metadata": {"labels": {"app": "desk"}},
            "spec": {"containers": [{"name": "desk", "image": "desk.test/desk:1"}]},
        },
    },
}
CHILDREN = ("serviceaccounts", "services", "poddisruptionbudgets", "networkpolicies")


def test_beside_a_deployment_of_another_owner_nothing_at_all_is_written(operator: Any, space: Any) -> None:
    space.cluster.post(f"/apis/apps/v1/namespaces/{space.name}/deployments", FOREIGN_DEPLOYMENT)

    def settled() -> dict[str, Any] | None:
        found: dict[str, Any] = space.get("deployments")
        return found if found.get("status", {}).get("observedGeneration") and "conditions" in found["status"] else None

    before = space.cluster.until(settled, "its controller has taken it up")
    secrets = {item["metadata"]["name"] for item in space.list("secrets")}
    space.apply()
    told = space.until_reason("NameConflict")
    assert told["status"] == "False"
    assert told["message"].startswith(f"Deployment {space.name}/receptionist exists and is not this VoiceAgent's")
    assert space.get("deployments") == before, "byte for byte, its resourceVersion too"
    assert [space.get(kind) for kind in CHILDREN] == [None] * len(CHILDREN)
    assert {item["metadata"]["name"] for item in space.list("configmaps")} <= {"kube-root-ca.crt"}
    assert {item["metadata"]["name"] for item in space.list("secrets")} == secrets
    assert operator.number('voiceagent_operator_reconciles_total{result="hindered"}') > 0
    space.do("delete", "deployment", "receptionist")
    space.until_deployed()
    assert None not in [space.get(kind) for kind in CHILDREN]


def test_an_object_of_another_owner_is_never_seized(operator: Any, space: Any) -> None:
    space.do("create", "service", "clusterip", "receptionist", "--tcp=80:80")
    before = space.get("services")
    space.apply()
    told = space.until_reason("NameConflict")
    assert told["message"].startswith(f"Service {space.name}/receptionist exists and is not this VoiceAgent's")
    assert space.get("services") == before
    for kind in ("deployments", "serviceaccounts", "poddisruptionbudgets", "networkpolicies"):
        assert space.get(kind) is None, "nothing is written beside it"
    space.do("delete", "service", "receptionist")
    space.until_deployed()


def test_a_child_that_the_api_server_refuses_is_told_with_its_words(operator: Any, space: Any) -> None:
    space.apply(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}})
    told = space.until_reason("ApplyFailed")["message"]
    assert "Deployment" in told
    assert "must be less than or equal to cpu limit" in told
    space.apply()
    space.until_deployed()


def test_a_field_that_kubernetes_does_not_know_is_told_with_its_path(operator: Any, space: Any) -> None:
    mistyped = {"affinity": {"nodeAffinty": {}}}
    space.apply(podTemplate=mistyped)
    told = space.until_reason("ApplyFailed")["message"]
    assert 'unknown field "spec.template.spec.affinity.nodeAffinty"' in told, "of a Deployment that is to be made"
    space.apply()
    space.until_deployed()
    space.apply(podTemplate=mistyped)
    told = space.until_reason("ApplyFailed")["message"]
    assert ".spec.template.spec.affinity.nodeAffinty: field not declared in schema" in told, "of one that is there"
