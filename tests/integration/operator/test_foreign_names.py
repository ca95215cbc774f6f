"""Where a name that an agent needs is somebody else's, nothing is written at all; and finding out costs little."""

import json
from typing import Any

import pytest
from control_plane import GROUPS

DESK = {"matchLabels": {"app": "desk"}}
FOREIGN: dict[str, tuple[str, dict[str, Any]]] = {
    "serviceaccounts": ("ServiceAccount", {}),
    "services": ("Service", {"spec": {"ports": [{"port": 80}]}}),
    "poddisruptionbudgets": ("PodDisruptionBudget", {"spec": {"maxUnavailable": 1, "selector": DESK}}),
    "networkpolicies": ("NetworkPolicy", {"spec": {"podSelector": DESK}}),
}
CHILDREN = (*FOREIGN, "deployments", "configmaps", "secrets", "controllerrevisions")
FLEET = 500


def path(space: Any, kind: str, name: str = "") -> str:
    group = GROUPS.get(kind, "api/v1")
    return f"/{group}/namespaces/{space.name}/{kind}" + (f"/{name}" if name else "")


def ours(space: Any) -> list[str]:
    """All that the operator has written in the namespace."""
    label = "app.kubernetes.io/managed-by=voiceagent-operator"
    return [item["metadata"]["name"] for kind in CHILDREN for item in space.cluster.list(kind, space.name, label)]


def is_left_alone_until_it_goes(space: Any, plural: str, kind: str, foreign: dict[str, Any]) -> None:
    """Nothing is written beside the object, the condition names it with the cure, and the cure helps."""
    name = foreign["metadata"]["name"]
    space.cluster.post(path(space, plural), foreign)
    before = space.get(plural, name)
    space.apply()
    told = space.until_reason("NameConflict")
    assert told["status"] == "False"
    assert told["message"].startswith(f"{kind} {space.name}/{name} exists and is not this VoiceAgent's")
    assert f"kubectl --namespace {space.name} delete {kind.lower()} {name}" in told["message"]
    assert space.get(plural, name) == before, "byte for byte, its resourceVersion too"
    assert ours(space) == []
    space.cluster.call("DELETE", path(space, plural, name))
    space.until_deployed()
    assert len(ours(space)) == len(CHILDREN)


@pytest.mark.parametrize("plural", FOREIGN)
def test_beside_a_child_of_another_owner_nothing_at_all_is_written(operator: Any, space: Any, plural: str) -> None:
    kind, body = FOREIGN[plural]
    is_left_alone_until_it_goes(space, plural, kind, {**body, "metadata": {"name": "receptionist"}})


@pytest.mark.parametrize("secret_type", ["Opaque", "helm.sh/release.v1"])
def test_nor_beside_a_secret_also_of_a_type_that_is_not_watched(operator: Any, space: Any, secret_type: str) -> None:
    foreign = {"metadata": {"name": "receptionist-control"}, "type": secret_type}
    is_left_alone_until_it_goes(space, "secrets", "Secret", foreign)


@pytest.mark.parametrize(
    ("plural", "kind", "content"),
    [("configmaps", "ConfigMap", {}), ("controllerrevisions", "ControllerRevision", {"revision": 1, "data": {}})],
)
def test_nor_beside_one_whose_name_has_a_hash(
    operator: Any, space: Any, plural: str, kind: str, content: dict[str, Any]
) -> None:
    space.apply()
    space.until_deployed()
    space.cluster.until(lambda: len(ours(space)) == len(CHILDREN), "all is there")
    (name,) = [
        item["metadata"]["name"] for item in space.list(plural) if item["metadata"]["name"].startswith("receptionist-")
    ]
    space.do("delete", "va", "receptionist")
    space.cluster.until(lambda: not ours(space), "its children go")
    is_left_alone_until_it_goes(space, plural, kind, {**content, "metadata": {"name": name}})


def test_five_hundred_new_agents_of_a_namespace_cost_no_look_for_each(new_operator: Any, space: Any) -> None:
    for number in range(FLEET):
        space.apply(f"agent-{number}", suspend=True)
    process = new_operator("--namespace", space.name)
    process.start()
    space.cluster.until(lambda: len(space.list("deployments")) == FLEET, "all are deployed", 180)
    settled = 'voiceagent_operator_watched_objects{kind="ControllerRevision"}'
    space.cluster.until(lambda: process.number(settled) == FLEET, "all is written", 180)
    asked = [json.loads(line) for line in space.cluster.audit_log.read_text(encoding="utf-8").splitlines()]
    here = [request for request in asked if f"/namespaces/{space.name}/" in request["requestURI"]]
    looks = [request for request in here if request["verb"] == "list" and "managed-by%21%3D" in request["requestURI"]]
    assert [request["requestURI"] for request in here if request["verb"] == "get"] == []
    assert 0 < len(looks) < FLEET / 10
