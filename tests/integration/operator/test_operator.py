"""What the operator does on a real API server, seen from outside."""

import json
import re
from typing import Any

import pytest
from voiceagent_api.agent_config import AgentConfig, config_revision

CHILDREN = ("serviceaccounts", "services", "poddisruptionbudgets", "networkpolicies", "deployments")


def config_map(space: Any, deployment: dict[str, Any] | None = None) -> dict[str, Any]:
    """The ConfigMap that the Deployment's pods mount."""
    template = (deployment or space.get("deployments"))["spec"]["template"]
    name = next(v["configMap"]["name"] for v in template["spec"]["volumes"] if "configMap" in v)
    found: dict[str, Any] = space.cluster.until(lambda: space.get("configmaps", name), f"ConfigMap {name}")
    return found


def versions(space: Any) -> dict[str, str]:
    """Resource versions of the VoiceAgent and all that was made for it."""
    kinds = ("voiceagents", "deployments", "services", "poddisruptionbudgets", "serviceaccounts", "configmaps", "pods")
    return {
        f"{kind}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
        for kind in kinds
        for item in space.list(kind)
    }


def test_every_child_appears_owned_by_the_voiceagent_and_pods_meet_the_restricted_standard(
    operator: Any, space: Any
) -> None:
    space.cluster.do("label", "namespace", space.name, "pod-security.kubernetes.io/enforce=restricted")
    space.apply()
    deployment = space.until_deployed()
    uid = space.get("voiceagents")["metadata"]["uid"]
    files = config_map(space, deployment)
    assert re.fullmatch(r"receptionist-[0-9a-f]{10}", files["metadata"]["name"])
    for child in [*(space.get(kind) for kind in CHILDREN), files]:
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (uid, True), child["kind"]
    assert len(space.list("pods")) == 1


def test_the_config_file_has_the_installs_defaults_and_no_secret(operator: Any, space: Any) -> None:
    space.apply()
    text = config_map(space, space.until_deployed())["data"]["agent.json"]
    config = AgentConfig.model_validate_json(text)
    assert config.agent_name == f"{space.name}-receptionist"
    assert config.livekit_url == "ws://livekit.test:7880"
    assert config.providers.llm.base_url == "http://speech.test/v1"
    assert config.providers.tts.base_url is None
    assert config.providers.stt.credentials_path == "/var/run/voiceagent/credentials/deepgram/DEEPGRAM_API_KEY"
    assert "secret-value" not in text
    assert space.get("voiceagents")["status"]["configRevision"] == config_revision(text)


def test_the_voiceagent_itself_is_written_to_in_its_status_only(operator: Any, space: Any) -> None:
    space.apply()
    space.until_deployed()
    body = json.loads(space.do("get", "va", "receptionist", "-o", "json", "--show-managed-fields"))
    written = [m for m in body["metadata"]["managedFields"] if not m["manager"].startswith("kubectl")]
    assert [(m["manager"], m["operation"], m["subresource"]) for m in written] == [
        ("voiceagent-operator", "Apply", "status")
    ]
    assert "finalizers" not in body["metadata"]
    assert "annotations" not in body["metadata"]


def test_a_child_deleted_by_hand_comes_back(operator: Any, space: Any) -> None:
    space.apply()
    files = config_map(space, space.until_deployed())["metadata"]["name"]
    for kind, name in [*((kind, "receptionist") for kind in CHILDREN), ("configmaps", files)]:
        old = space.get(kind, name)["metadata"]["uid"]
        space.do("delete", kind, name, "--wait=false")

        def anew(kind: str = kind, name: str = name, old: str = old) -> bool:
            found = space.get(kind, name)
            return bool(found and found["metadata"]["uid"] != old)

        space.cluster.until(anew, f"{kind} comes back")


@pytest.mark.parametrize(
    ("kind", "patch", "field"),
    [
        ("deployments", {"spec": {"replicas": 7}}, ("spec", "replicas")),
        ("deployments", {"spec": {"minReadySeconds": 0, "template": {"spec": {"terminationGracePeriodSeconds": 1}}}},
         ("spec", "template", "spec", "terminationGracePeriodSeconds")),
        ("services", {"spec": {"publishNotReadyAddresses": False}}, ("spec", "publishNotReadyAddresses")),
        ("poddisruptionbudgets", {"spec": {"maxUnavailable": 9}}, ("spec", "maxUnavailable")),
        ("networkpolicies", {"spec": {"ingress": []}}, ("spec", "ingress")),
        ("serviceaccounts", {"automountServiceAccountToken": True}, ("automountServiceAccountToken",)),
        ("deployments", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}, ("metadata", "labels")),
    ],
)  # fmt: skip
def test_a_child_edited_by_hand_is_put_back(
    operator: Any, space: Any, kind: str, patch: dict[str, Any], field: tuple[str, ...]
) -> None:
    def value() -> Any:
        found = space.get(kind)
        for key in field:
            found = found.get(key)
        return found

    space.apply()
    space.until_deployed()
    before = value()
    space.do("patch", kind, "receptionist", "--type=merge", "-p", json.dumps(patch))
    space.cluster.until(lambda: value() == before, f"{kind} {field} is {before} again")


def test_a_second_reconcile_writes_nothing(operator: Any, space: Any) -> None:
    space.apply(resources={"requests": {"cpu": "0.5", "memory": "1.5Gi"}, "limits": {"memory": "3072Mi"}})
    space.until_deployed()
    operator.stop()
    before = versions(space)
    operator.start()
    done, depth = 'voiceagent_operator_reconciles_total{result="done"}', "voiceagent_operator_queue_depth"
    space.cluster.until(lambda: operator.number(done) and not operator.number(depth), "a look at everything")
    assert operator.writes() == 0
    assert versions(space) == before


def test_scale_reaches_the_deployment_and_the_printed_columns(operator: Any, space: Any) -> None:
    space.apply()
    space.until_deployed()
    space.do("scale", "va/receptionist", "--replicas=3")
    space.cluster.until(lambda: space.get("deployments")["spec"]["replicas"] == 3, "3 replicas")
    space.cluster.until(lambda: space.get("voiceagents")["status"]["replicas"] == 3, "3 replicas told")
    space.serve()
    space.until_reason("PodsReady")
    header, line = space.do("get", "va").splitlines()
    assert header.split() == ["NAME", "READY", "SESSIONS", "LLM", "STT", "TTS", "AGE"]
    assert line.split()[:6] == ["receptionist", "3/3", "0/15", "openai", "deepgram", "openai"]
    scale = json.loads(
        space.do(
            "get", "--raw", f"/apis/voiceagents.dev/v1alpha1/namespaces/{space.name}/voiceagents/receptionist/scale"
        )
    )
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (3, 3)
    assert "voiceagents.dev/agent=receptionist" in scale["status"]["selector"]


def test_ready_waits_for_pods_and_a_suspended_agent_has_none(operator: Any, space: Any) -> None:
    space.apply()
    space.until_deployed()
    space.serve()
    space.do("wait", "--for=condition=Ready", "va/receptionist", "--timeout=10s")
    space.apply(suspend=True)
    space.cluster.until(lambda: space.get("deployments")["spec"]["replicas"] == 0, "no replicas")
    assert space.until_reason("Suspended")["status"] == "True"
    assert space.get("voiceagents")["spec"]["replicas"] == 1
    space.apply()
    space.cluster.until(lambda: space.get("deployments")["spec"]["replicas"] == 1, "its replica back")


def test_changed_instructions_reach_running_pods_without_a_rollout(operator: Any, space: Any) -> None:
    space.apply()
    before = space.until_deployed()
    space.serve()
    space.apply(instructions="You answer the phone of Red Dental.", logging={"level": "DEBUG"})
    wanted = space.cluster.until(
        lambda: (text := config_map(space)["data"]["agent.json"]) and "Red Dental" in text and config_revision(text),
        "the new config file",
    )
    (pod,) = (item["metadata"]["name"] for item in space.list("pods"))
    space.cluster.until(
        lambda: (
            space.get("pods", pod)["metadata"].get("annotations", {}).get("voiceagents.dev/config-revision") == wanted
        ),
        "the pod is told",
    )
    after = space.get("deployments")
    assert after["spec"]["template"] == before["spec"]["template"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert space.get("voiceagents")["status"]["configRevision"] == wanted


def test_a_rollout_keeps_the_old_config_file_until_no_pod_has_it(operator: Any, space: Any) -> None:
    space.apply()
    space.until_deployed()
    space.serve()
    space.until_reason("PodsReady")
    old = config_map(space)["metadata"]["name"]
    old_pod = space.list("pods")[0]["metadata"]["name"]
    hold = '{"metadata":{"finalizers":["voiceagents.test/still-draining"]}}'
    space.do("patch", "pod", old_pod, "--type=merge", "-p", hold)
    space.apply(image="worker.test/voiceagent-worker:2")
    space.cluster.until(lambda: len(space.list("pods")) == 2, "old and new pod")
    assert space.condition("Reconciling")["status"] == "True"
    assert space.until_reason("RollingOut")["status"] == "True", "the old pod still takes calls"
    assert space.get("configmaps", old) is not None
    space.serve()
    space.until_reason("PodsReady")
    space.cluster.until(lambda: "deletionTimestamp" in space.get("pods", old_pod)["metadata"], "the old pod drains")
    assert space.get("configmaps", old) is not None, "a draining pod still reads its file"
    space.do("patch", "pod", old_pod, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    space.cluster.until(lambda: space.get("configmaps", old) is None, "the old config file goes")


def test_a_paused_agent_is_left_alone(operator: Any, space: Any) -> None:
    space.apply()
    space.until_deployed()
    space.do("annotate", "va", "receptionist", "voiceagents.dev/paused=true")
    space.until_reason("Paused", "Reconciling")
    space.do("scale", "va/receptionist", "--replicas=4")
    space.until_reason("Paused", "Reconciling")
    assert space.get("deployments")["spec"]["replicas"] == 1
    space.do("annotate", "va", "receptionist", "voiceagents.dev/paused-")
    space.cluster.until(lambda: space.get("deployments")["spec"]["replicas"] == 4, "work goes on")


def test_deletion_needs_no_operator_and_nothing_comes_back(operator: Any, space: Any) -> None:
    space.apply()
    space.until_deployed()
    assert operator.stop() < 5.0
    space.do("delete", "va", "receptionist", "--timeout=5s")
    operator.start()
    for kind in (*CHILDREN, "configmaps"):
        space.cluster.until(
            lambda kind=kind: all(
                item["metadata"]["name"] in ("default", "kube-root-ca.crt") for item in space.list(kind)
            ),
            f"no {kind} is left",
        )


def test_one_made_anew_under_the_same_name_gets_children_of_its_own(operator: Any, space: Any) -> None:
    space.apply()
    space.until_deployed()
    space.do("delete", "va", "receptionist")
    space.apply()
    uid = space.get("voiceagents")["metadata"]["uid"]
    for kind in CHILDREN:
        space.cluster.until(
            lambda kind=kind: (child := space.get(kind)) and child["metadata"]["ownerReferences"][0]["uid"] == uid,
            f"{kind} of the new one",
        )


def test_an_operator_of_one_namespace_leaves_others_alone(new_operator: Any, space: Any, other_space: Any) -> None:
    process = new_operator("--namespace", space.name)
    process.start()
    space.apply()
    other_space.apply()
    space.until_deployed()
    assert process.asks("/healthz") == 200
    assert "status" not in other_space.get("voiceagents")
    process.stop()
    new_operator().start()
    other_space.until_reason("LiveKitSecretMissing")
