"""The control plane of the integration tests."""

from collections.abc import Iterator

import pytest
from control_plane import Cluster, control_plane


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for the run, with the CRD and with controllers of Deployments, ReplicaSets and garbage."""
    with control_plane(tmp_path_factory.mktemp("cluster")) as started:
        started.start_controllers()
        yield started
