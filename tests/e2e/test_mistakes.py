"""A user's mistakes: each ends in a sentence where the user looks, and mending it heals without a restart."""

import json

from on_sandbox import EXAMPLE, Kubectl, eventually


def test_an_unknown_provider_is_named_with_the_nearest_known_one(receptionist: str, kubectl: Kubectl) -> None:
    patch = json.dumps({"spec": {"providers": {"llm": {"provider": "openay"}}}})
    kubectl("patch", "va", receptionist, "--type=merge", "-p", patch)
    ready = eventually(lambda: kubectl.condition(receptionist, "Ready"), lambda c: c["reason"] == "UnknownProvider")
    assert ready["status"] == "False"
    assert 'Did you mean "openai"?' in ready["message"]
    assert kubectl.pods(receptionist), "what ran before must go on running"
    kubectl("apply", "-f", str(EXAMPLE))
    eventually(lambda: kubectl.condition(receptionist, "Ready"), lambda c: c["status"] == "True")


def test_a_missing_secret_is_named_and_its_coming_heals(receptionist: str, kubectl: Kubectl) -> None:
    secret = kubectl.get("secret", "openai")
    controller = (
        "-n",
        "voiceagents-system",
        "get",
        "pods",
        "-l",
        "app.kubernetes.io/name=voiceagent-controller",
    )
    restarts = kubectl(*controller, "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount}")
    kubectl("delete", "secret", "openai")
    try:
        lacking = eventually(
            lambda: kubectl.condition(receptionist, "ProvidersReady"),
            lambda c: c["reason"] == "SecretMissing",
        )
        assert lacking["status"] == "False"
        assert "openai" in lacking["message"]
        assert "kubectl" in lacking["message"]
    finally:
        for field in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
            secret["metadata"].pop(field, None)
        kubectl.apply(secret)
    eventually(lambda: kubectl.condition(receptionist, "ProvidersReady"), lambda c: c["status"] == "True")
    kubectl.wait_ready(receptionist)
    assert kubectl(*controller, "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount}") == restarts


def test_malformed_yaml_is_refused_by_kubectl(kubectl: Kubectl) -> None:
    done = kubectl.run("apply", "-f", "-", stdin="kind: VoiceAgent\n  spec: [\n")
    assert done.returncode != 0
    assert "error" in done.stderr
    assert "yaml" in done.stderr.lower()


def test_a_wrong_field_is_refused_with_its_name(kubectl: Kubectl) -> None:
    manifest = EXAMPLE.read_text(encoding="utf-8").replace("replicas: 1", "replicas: many")
    done = kubectl.run("apply", "-f", "-", stdin=manifest)
    assert done.returncode != 0
    assert "spec.replicas" in done.stderr
