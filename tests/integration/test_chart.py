"""The chart as helm renders it and as a real API server takes it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from chart import CHART, helm, render

REPO = Path(__file__).resolve().parents[2]


def kinds(documents: list[dict[str, Any]]) -> set[str]:
    return {document["kind"] for document in documents}


def test_helm_lint_finds_nothing() -> None:
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout


def test_a_mistyped_value_is_refused_with_its_name() -> None:
    done = helm("template", "x", str(CHART), "--set", "livekit.adress=ws://x")
    assert done.returncode != 0
    assert "adress" in done.stderr


def test_the_crd_is_kept_on_uninstall_and_left_out_when_asked() -> None:
    crd = next(d for d in render() if d["kind"] == "CustomResourceDefinition")
    assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert "CustomResourceDefinition" not in kinds(render("crds.enabled=false"))


def test_named_namespaces_need_no_right_over_the_cluster() -> None:
    documents = render("operator.namespaces={blue,green}", "crds.enabled=false")
    assert not kinds(documents) & {"ClusterRole", "ClusterRoleBinding"}
    roles = [d for d in documents if d["kind"] == "Role" and not d["metadata"]["name"].endswith("-lease")]
    assert sorted({role["metadata"]["namespace"] for role in roles}) == ["blue", "green"]


def test_the_operator_has_the_rights_that_it_is_tested_with_and_no_more() -> None:
    tested = yaml.safe_load((REPO / "operator" / "rbac.yaml").read_text(encoding="utf-8"))
    names = ("voiceagents-controller", "voiceagents-controller-lease")
    given = [d for d in render() if d["kind"] in ("ClusterRole", "Role") and d["metadata"]["name"].endswith(names)]
    assert [d["kind"] for d in given] == ["ClusterRole", "Role"]

    def rights(role: dict[str, Any]) -> set[tuple[str, str, str]]:
        return {
            (group, resource, verb)
            for rule in role["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }

    assert set().union(*map(rights, given)) == rights(tested)


def test_every_pod_meets_the_restricted_standard_in_form() -> None:
    for document in render():
        if document["kind"] != "Deployment":
            continue
        pod = document["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("gateway.ingress.enabled=true", "gateway.ingress.host=agents.example", "gateway.ingress.tlsSecretName=tls"),
        ("gateway.enabled=false", "operator.nodeSelector.pool=agents"),
        ("operator.namespaces={default}", "imagePullSecrets[0].name=pull"),
    ],
)
def test_the_api_server_takes_what_is_rendered(cluster: Any, settings: tuple[str, ...]) -> None:
    documents = "---\n".join(yaml.safe_dump(document) for document in render(*settings))
    done = cluster.kubectl("apply", "--server-side", "--dry-run=server", "--force-conflicts", "-f", "-", text=documents)
    assert done.returncode == 0, done.stderr
