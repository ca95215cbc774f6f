"""What an owner does to a running agent, and what comes of it on real pods."""

import httpx
from on_sandbox import ADDRESS, Kubectl, eventually
from voiceagent_api.names import control_secret_name
from voiceagent_caller import CallOptions, Utterance, make_call


def test_kubectl_scale_makes_and_takes_away_real_pods(receptionist: str, kubectl: Kubectl) -> None:
    kubectl("scale", f"va/{receptionist}", "--replicas=2")
    eventually(lambda: kubectl.get("va", receptionist)["status"].get("readySummary"), lambda ready: ready == "2/2")
    assert len(kubectl.pods(receptionist)) == 2
    kubectl("scale", f"va/{receptionist}", "--replicas=1")
    eventually(lambda: len(kubectl.pods(receptionist)), lambda count: count == 1)
    assert "1/1" in kubectl("get", "va", receptionist)


async def test_changed_instructions_reach_the_next_call_without_a_new_pod(
    receptionist: str, kubectl: Kubectl, web: httpx.Client
) -> None:
    before = [pod["metadata"]["uid"] for pod in kubectl.pods(receptionist)]
    instructions = "You are the harbour master. Answer in one short, plain sentence."
    patch = f'{{"spec": {{"instructions": "{instructions}", "greeting": "Good evening, this is the harbour."}}}}'
    kubectl("patch", "va", receptionist, "--type=merge", "-p", patch)
    generation = kubectl.get("va", receptionist)["metadata"]["generation"]
    eventually(
        lambda: kubectl.condition(receptionist, "ConfigSynced"),
        lambda c: c["status"] == "True" and c["observedGeneration"] == generation,
    )

    options = CallOptions(gateway=ADDRESS, speech=ADDRESS, utterances=(Utterance(text="What is the weather like?"),))
    report = await make_call(options)
    assert report.greeting is not None
    assert "harbour" in report.greeting.transcript
    asked = web.get("/sandbox/journal", params={"kind": "llm", "limit": 1}).json()["entries"][0]["messages"]
    assert any(instructions in str(message["content"]) for message in asked)
    assert [pod["metadata"]["uid"] for pod in kubectl.pods(receptionist)] == before


def test_a_deleted_child_comes_back(receptionist: str, kubectl: Kubectl) -> None:
    uid = kubectl.get("deployment", receptionist)["metadata"]["uid"]
    kubectl("delete", "deployment", receptionist, "--wait=false")
    eventually(
        lambda: kubectl.run("get", "deployment", receptionist, "-o", "jsonpath={.metadata.uid}").stdout,
        lambda now: bool(now) and now != uid,
    )
    kubectl.wait_ready(receptionist)


def test_deleting_the_voiceagent_takes_everything_with_it(receptionist: str, kubectl: Kubectl) -> None:
    kinds = (
        "deployments,services,configmaps,secrets,serviceaccounts,poddisruptionbudgets,networkpolicies,"
        "controllerrevisions,pods"
    )

    def children() -> str:
        return kubectl("get", kinds, "-l", f"app.kubernetes.io/instance={receptionist}", "-o", "name")

    made = (
        "deployment",
        "configmap",
        f"secret/{control_secret_name(receptionist)}",
        "networkpolicy",
        "controllerrevision",
    )
    eventually(children, lambda found: all(child in found for child in made))
    kubectl("delete", "va", receptionist)
    eventually(children, lambda left: not left.strip())
