"""An operator that may not watch all that it has to says so, and works once it may."""

import urllib.error
import urllib.request
from typing import Any

import yaml
from control_plane import REPOSITORY

USER = "voiceagent-operator-without-rights"


def allow(cluster: Any, *but: str) -> None:
    """Let the user do what the operator may, but nothing with these."""
    role = yaml.safe_load((REPOSITORY / "operator/rbac.yaml").read_text())
    role["metadata"]["name"] = USER
    for rule in role["rules"]:
        rule["resources"] = [resource for resource in rule["resources"] if resource not in but]
    role["rules"] = [rule for rule in role["rules"] if rule["resources"]]
    cluster.apply(role)


def unready(process: Any) -> str:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{process.port}/readyz", timeout=2)
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        pass
    return ""


def test_watches_that_are_forbidden_are_named_with_the_cure_and_begin_once_they_are_granted(
    new_operator: Any, space: Any
) -> None:
    cluster = space.cluster
    allow(cluster, "poddisruptionbudgets", "pods")
    cluster.do("create", "clusterrolebinding", USER, f"--clusterrole={USER}", f"--user={USER}")
    process = new_operator("--namespace", space.name)
    process.user = USER
    process.launch()
    told = cluster.until(lambda: "is forbidden" in unready(process) and unready(process), "the cause is told")
    lines = told.splitlines()[1:]
    named = {line.partition(" ")[0] for line in lines if "grant the operator" in line}
    assert named == {"poddisruptionbudgets", "pods"}
    assert all(f"of namespace {space.name}: " in line for line in lines)
    cluster.until(lambda: "not all watches have begun" in process.log.read_text(), "a warning, too", 120)
    assert process.process.poll() is None
    assert process.asks("/healthz") == 200
    allow(cluster)
    cluster.until(lambda: process.asks("/readyz") == 200, "the operator is ready")
    space.apply()
    space.until_deployed()
    allow(cluster, "poddisruptionbudgets", "pods")
    allow(cluster)
    assert process.process.poll() is None
