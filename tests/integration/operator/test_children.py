"""The children beyond the first: control Secret, history, instructions kept elsewhere, and what a user adds to pods."""

import base64
import json
from typing import Any

FIRST = "You answer the phone of Blue Dental."
SECOND = "You answer the phone of Red Dental."


def config(space: Any) -> dict[str, Any]:
    """The config file that the agent's pods have now."""
    deployment = space.get("deployments")
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    name = next(volume["configMap"]["name"] for volume in volumes if volume["name"] == "config")
    text: dict[str, Any] = json.loads(space.get("configmaps", name)["data"]["agent.json"])
    return text


def template(space: Any) -> dict[str, Any]:
    found: dict[str, Any] = space.get("deployments")["spec"]["template"]
    return found


def history(space: Any) -> dict[int, str]:
    """Kept specs by number: their instructions."""
    return {item["revision"]: item["data"]["spec"]["instructions"] for item in space.list("controllerrevisions")}


def test_the_control_secret_is_made_once_and_put_back_when_deleted(operator: Any, space: Any) -> None:
    space.apply()
    space.until_deployed()
    first = space.get("secrets", "receptionist-control")
    token = base64.b64decode(first["data"]["token"]).decode()
    assert len(token) >= 43
    space.apply(image="worker.test/voiceagent-worker:2")
    space.cluster.until(lambda: template(space)["spec"]["containers"][0]["image"].endswith(":2"), "the new image")
    assert space.get("secrets", "receptionist-control")["data"] == first["data"]
    space.do("delete", "secret", "receptionist-control")
    space.cluster.until(lambda: space.get("secrets", "receptionist-control"), "the control Secret is back")
    assert token not in operator.log.read_text()


def test_a_secret_of_that_name_that_is_somebody_elses_is_not_seized(operator: Any, space: Any) -> None:
    space.secret("receptionist-control", token="mine")
    space.apply()
    assert "Secret" in space.until_reason("NameConflict")["message"]
    assert space.get("deployments") is None
    space.do("delete", "secret", "receptionist-control")
    space.until_deployed()


def test_every_live_spec_is_kept_and_one_put_back_becomes_the_newest(operator: Any, space: Any) -> None:
    space.apply(instructions=FIRST)
    space.cluster.until(lambda: history(space) == {1: FIRST}, "the first spec is kept")
    space.apply(instructions=SECOND)
    space.cluster.until(lambda: history(space) == {1: FIRST, 2: SECOND}, "the second spec is kept")
    space.apply(instructions=SECOND, replicas=2)
    space.cluster.until(lambda: space.get("deployments")["spec"]["replicas"] == 2, "two replicas")
    assert history(space) == {1: FIRST, 2: SECOND}, "how many pods there are is no part of a kept spec"
    space.apply(instructions=FIRST)
    space.cluster.until(lambda: history(space) == {3: FIRST, 2: SECOND}, "the first spec is the newest again")


def test_no_more_than_ten_specs_are_kept(operator: Any, space: Any) -> None:
    for number in range(1, 13):
        space.apply(instructions=f"You are number {number}.")
        space.cluster.until(
            lambda wanted=number: f"You are number {wanted}." in history(space).values(), f"spec {number} is kept"
        )
    space.cluster.until(lambda: sorted(history(space)) == list(range(3, 13)), "the newest ten are kept")


def test_instructions_may_be_kept_in_a_configmap_and_follow_it(operator: Any, space: Any) -> None:
    manifest = space.manifest(instructionsFrom={"configMapKeyRef": {"name": "prompts", "key": "desk"}})
    del manifest["spec"]["instructions"]
    space.cluster.apply(manifest, "voiceagents")
    lacking = space.until_reason("InstructionsMissing")
    assert "create configmap prompts" in lacking["message"]
    space.do("create", "configmap", "prompts", f"--from-literal=other={FIRST}")
    space.cluster.until(lambda: "no text under the key desk" in space.condition()["message"], "the key is missed")
    space.do("patch", "configmap", "prompts", "--type=merge", "-p", json.dumps({"data": {"desk": FIRST}}))
    space.until_deployed()
    before = template(space)
    assert config(space)["instructions"] == FIRST
    space.do("patch", "configmap", "prompts", "--type=merge", "-p", json.dumps({"data": {"desk": SECOND}}))
    space.cluster.until(lambda: config(space)["instructions"] == SECOND, "the changed instructions")
    assert template(space) == before


def test_what_a_user_adds_to_the_pods_is_in_them(operator: Any, space: Any) -> None:
    space.apply(
        podTemplate={
            "labels": {"team": "front"},
            "annotations": {"mesh.test/inject": "true"},
            "nodeSelector": {"pool": "voice"},
            "tolerations": [{"key": "voice", "operator": "Exists", "effect": "NoSchedule"}],
            "env": [{"name": "HTTPS_PROXY", "value": "http://proxy.test:3128"}],
            "envFrom": [{"configMapRef": {"name": "common", "optional": True}}],
            "volumes": [{"name": "voices", "emptyDir": {}}],
            "volumeMounts": [{"name": "voices", "mountPath": "/voices", "readOnly": False}],
        }
    )
    space.until_deployed()
    made = template(space)
    assert made["metadata"]["labels"]["team"] == "front"
    assert made["metadata"]["annotations"]["mesh.test/inject"] == "true"
    assert made["spec"]["nodeSelector"] == {"pool": "voice"}
    assert made["spec"]["tolerations"][0]["key"] == "voice"
    container = made["spec"]["containers"][0]
    assert {"name": "HTTPS_PROXY", "value": "http://proxy.test:3128"} in container["env"]
    assert container["envFrom"] == [{"configMapRef": {"name": "common", "optional": True}}]
    assert {"name": "voices", "mountPath": "/voices"} in container["volumeMounts"]


def test_what_the_api_server_refuses_becomes_a_condition_and_heals_with_the_spec(operator: Any, space: Any) -> None:
    spread = {"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    space.apply(podTemplate={"topologySpreadConstraints": [spread]})
    told = space.until_reason("ApplyFailed")
    assert "Deployment" in told["message"]
    assert space.get("deployments") is None
    space.apply(podTemplate={})
    space.until_deployed()


def test_the_younger_of_two_agents_of_one_name_waits_until_the_elder_is_gone(operator: Any, space: Any) -> None:
    space.apply("elder", agentName="desk")
    space.until_deployed("elder")
    space.apply("younger", agentName="desk")
    told = space.until_reason("AgentNameTaken", name="younger")
    assert f"{space.name}/elder" in told["message"]
    assert space.get("deployments", "younger") is None
    assert space.condition("Ready", "elder")["reason"] == "PodsNotReady"
    space.do("delete", "va", "elder")
    space.until_deployed("younger")


def test_what_is_no_longer_wanted_of_a_new_child_goes(operator: Any, space: Any) -> None:
    space.apply(podTemplate={"annotations": {"team": "front-desk", "shift": "day"}})
    space.until_deployed()

    def annotations() -> dict[str, str]:
        found: dict[str, str] = space.get("deployments")["spec"]["template"]["metadata"]["annotations"]
        return found

    assert annotations()["shift"] == "day"
    for template in ({"annotations": {"team": "front-desk"}}, {}):
        space.apply(podTemplate=template)
        space.cluster.until(lambda: "shift" not in annotations(), "the annotation goes")
    space.cluster.until(lambda: "team" not in annotations(), "the other one goes, too")
    managers = space.get("deployments")["metadata"]["managedFields"]
    own = [entry["operation"] for entry in managers if entry["manager"] == "voiceagent-operator"]
    assert own == ["Apply"]


def test_characters_that_yaml_does_not_have_are_kept_as_they_are(operator: Any, space: Any) -> None:
    text = "Say \x7f, \x85, \x9d, \u2028, \u2029 and \uffff \U0001f600."
    space.cluster.call(
        "POST",
        f"/apis/voiceagents.dev/v1alpha1/namespaces/{space.name}/voiceagents",
        space.manifest(instructions=text, podTemplate={"annotations": {"team": text}}),
    )
    space.until_deployed()
    assert history(space) == {1: text}
    assert template(space)["metadata"]["annotations"]["team"] == text
    space.do("scale", "va/receptionist", "--replicas=2")
    space.cluster.until(lambda: space.get("deployments")["spec"]["replicas"] == 2, "it is applied")
    assert template(space)["metadata"]["annotations"]["team"] == text
    assert config(space)["instructions"] == text
