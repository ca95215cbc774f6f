"""The sandbox, as `make test-e2e` brought it up: real kubelets, LiveKit, models and ingress."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from on_sandbox import ADDRESS, ARTEFACTS, EXAMPLE, Kubectl, eventually, sandbox_kubectl


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    """kubectl, with the sandbox's kubeconfig."""
    return sandbox_kubectl()


@pytest.fixture(scope="session")
def web() -> Iterator[httpx.Client]:
    """A client of everything behind the ingress."""
    with httpx.Client(base_url=ADDRESS, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Where tests leave what a person may want to look at."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    return ARTEFACTS


@pytest.fixture
def receptionist(kubectl: Kubectl) -> str:
    """The first manifest, applied as it is, with nothing left of a test before; its name."""
    kubectl("delete", "voiceagent", "--all", "--ignore-not-found", "--wait=true")
    eventually(lambda: kubectl.pods("receptionist"), lambda pods: not pods)
    kubectl("apply", "-f", str(EXAMPLE))
    kubectl.wait_ready("receptionist")
    return "receptionist"
