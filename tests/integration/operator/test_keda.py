"""The example for KEDA: in the form of KEDA's own CRD, and on a scale subresource that answers."""

import copy
import json
import os
import subprocess
from typing import Any

import pytest
import yaml
from voiceagent_sandbox.module_files import SCALED_OBJECT_CRD, module_file
from voiceagent_sandbox.paths import REPO, default_paths

EXAMPLE: dict[str, Any] = yaml.safe_load((REPO / "crds/examples/keda.yaml").read_text(encoding="utf-8"))
TARGET = EXAMPLE["spec"]["scaleTargetRef"]


@pytest.fixture(scope="module")
def scaled_objects(cluster: Any) -> None:
    """KEDA's CRD of ScaledObjects."""
    crd = module_file(default_paths(dict(os.environ)), SCALED_OBJECT_CRD)
    if not crd.is_file():
        pytest.fail(f"No {crd}; run: make test-integration", False)
    cluster.do("apply", "--server-side", "-f", str(crd))
    cluster.do("wait", "--for=condition=Established", "crd/scaledobjects.keda.sh", "--timeout=30s")


def dry_run(space: Any, scaled_object: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """What the API server says to a ScaledObject, with nothing kept of it."""
    arguments = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
    done: subprocess.CompletedProcess[str] = space.cluster.kubectl(
        "--namespace", space.name, *arguments, text=json.dumps(scaled_object)
    )
    return done


def test_the_example_has_the_form_of_kedas_crd(scaled_objects: None, bare_space: Any) -> None:
    done = dry_run(bare_space, EXAMPLE)
    assert done.returncode == 0, done.stderr
    assert "scaledobject.keda.sh/receptionist" in done.stdout


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("spec", "maxReplicas"), 20, ".spec.maxReplicas: field not declared"),
        (("spec", "scaleTargetRef", "plural"), "voiceagents", ".spec.scaleTargetRef.plural: field not declared"),
        (("spec", "fallback", "behavior"), "Hold", "Unsupported value"),
        (("spec", "maxReplicaCount"), "twenty", ".spec.maxReplicaCount: expected numeric"),
        (("spec", "triggers"), None, "spec.triggers: Invalid value"),
    ],
)
def test_a_wrong_field_is_refused(
    scaled_objects: None, bare_space: Any, path: tuple[str, ...], value: Any, told: str
) -> None:
    wrong = copy.deepcopy(EXAMPLE)
    *parents, last = path
    where = wrong
    for parent in parents:
        where = where[parent]
    where[last] = value
    done = dry_run(bare_space, wrong)
    assert done.returncode != 0
    assert told in done.stderr


def test_its_target_is_scaled_through_the_scale_subresource(operator: Any, space: Any) -> None:
    """As KEDA does: the kind is looked up where the group tells its resources, and scaled as all are."""
    told = json.loads(space.do("get", "--raw", f"/apis/{TARGET['apiVersion']}"))
    plural = next(one["name"] for one in told["resources"] if one["kind"] == TARGET["kind"] and "/" not in one["name"])
    path = f"/apis/{TARGET['apiVersion']}/namespaces/{space.name}/{plural}/{TARGET['name']}/scale"

    def scale() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(space.do("get", "--raw", path))
        return found

    space.apply(TARGET["name"], scaling={"mode": "Manual"}, replicas=1)
    space.cluster.until(lambda: scale()["status"].get("selector"), "the scale names the pods")
    assert scale()["spec"]["replicas"] == 1
    space.cluster.merge(path, {"spec": {"replicas": 3}})
    space.cluster.until(lambda: (space.get("deployments") or {})["spec"]["replicas"] == 3, "three replicas")
    space.cluster.until(lambda: len(space.list("pods")) == 3, "three pods")
    selector = scale()["status"]["selector"]
    assert len(space.cluster.list("pods", space.name, selector)) == 3
