"""An operator installed by the chart for named namespaces: it holds Roles in them, and no right over the cluster."""

import json
from typing import Any

import yaml
from chart import render

USER = "voiceagent-operator-of-namespaces"
"""Known to the API server by the chart's RoleBindings only."""
NAME = "voiceagents-controller"


def grant(cluster: Any, documents: list[dict[str, Any]]) -> None:
    """Apply the operator's Roles and RoleBindings, the latter for the test's user."""
    wanted = [d for d in documents if d["kind"] in ("Role", "RoleBinding") and d["metadata"]["name"].startswith(NAME)]
    for document in wanted:
        if document["kind"] == "RoleBinding":
            document["subjects"] = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}]
    cluster.do("apply", "-f", "-", text=yaml.safe_dump_all(wanted))


def chosen_arguments(documents: list[dict[str, Any]]) -> list[str]:
    """How the chart starts the operator, but for where files and ports are."""
    (deployment,) = [d for d in documents if d["kind"] == "Deployment" and d["metadata"]["name"] == NAME]
    given: list[str] = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    return [word for word in given if word.startswith(("--namespace=", "--leader-elect="))]


def requests(cluster: Any) -> list[dict[str, Any]]:
    """All that the test's user has asked of the API server."""
    asked = (json.loads(line) for line in cluster.audit_log.read_text(encoding="utf-8").splitlines())
    return [request for request in asked if request["user"]["username"] == USER]


def test_named_namespaces_are_served_with_rights_in_them_alone_and_another_stays_untouched(
    new_operator: Any, space: Any, other_space: Any, third_space: Any
) -> None:
    cluster, home = space.cluster, f"{space.name}-home"
    cluster.post("/api/v1/namespaces", {"metadata": {"name": home}})
    documents = render(f"operator.namespaces={{{space.name},{other_space.name}}}", namespace=home)
    grant(cluster, documents)
    third_space.apply()

    process = new_operator(*chosen_arguments(documents))
    process.user = USER
    process.start()
    space.apply()
    space.until_deployed()
    other_space.apply()
    other_space.until_reason("LiveKitSecretMissing")
    space.do("patch", "networkpolicy", "receptionist", "--type=merge", "-p", '{"spec":{"ingress":[]}}')
    cluster.until(lambda: space.get("networkpolicies")["spec"].get("ingress"), "the NetworkPolicy is put back")
    space.do("delete", "va", "receptionist")
    cluster.until(lambda: space.get("deployments") is None, "its children go")

    assert "status" not in third_space.get("voiceagents")
    assert third_space.get("deployments") is None
    process.stop()
    made = requests(cluster)
    assert [request for request in made if request["responseStatus"]["code"] in (401, 403)] == []
    reached = {request["objectRef"].get("namespace") for request in made if "resource" in request.get("objectRef", {})}
    assert reached == {space.name, other_space.name, home}
