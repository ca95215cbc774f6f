"""The control plane of the integration tests, and whether the operator needs all that it may do."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from control_plane import REPOSITORY, Cluster, control_plane
from rights import unused, used

AUDIT_FOLDER = "VOICEAGENT_TESTS_AUDIT_FOLDER"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rights", action="store_true", help="fail if the operator never used one of its rights")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("rights") and _is_controller(config):
        os.environ[AUDIT_FOLDER] = tempfile.mkdtemp(prefix="voiceagent-audit-")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not session.config.getoption("rights") or not _is_controller(session.config) or session.testsfailed:
        return
    logs = Path(os.environ[AUDIT_FOLDER]).iterdir()
    seen = {right for log in logs for right in used(log.read_text(encoding="utf-8").splitlines())}
    rules = yaml.safe_load((REPOSITORY / "operator/rbac.yaml").read_text(encoding="utf-8"))["rules"]
    never = unused(rules, seen)
    if never:
        told = "\n".join(f"  {right.verb} {right.resource} {right.group}".rstrip() for right in never)
        print(f"\noperator/rbac.yaml grants what no test made the operator use:\n{told}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _is_controller(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for the run, with the CRD and with controllers of Deployments, ReplicaSets and garbage."""
    with control_plane(tmp_path_factory.mktemp("cluster")) as started:
        started.start_controllers()
        yield started
        if folder := os.environ.get(AUDIT_FOLDER):
            (Path(folder) / uuid.uuid4().hex).write_bytes(started.audit_log.read_bytes())
