"""docs/worker.md names every error, outcome, variable and metric."""

from pathlib import Path
from typing import get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families
from voiceagent_api.environment import CHOICES, PLAIN
from voiceagent_api.worker_status import Outcome
from voiceagent_worker.errors import WorkerError, user_sentence
from voiceagent_worker.layers import SAFE_FIELDS
from voiceagent_worker.metrics import Identity, WorkerMetrics

PAGE = (Path(__file__).parents[3] / "docs" / "worker.md").read_text()


def metric_names() -> list[str]:
    text = WorkerMetrics(Identity("n", "a", "r")).text().decode()
    return [family.name for family in text_string_to_metric_families(text)]


@pytest.mark.parametrize(
    "name",
    [
        *(kind.__name__ for kind in WorkerError.__subclasses__()),
        *(outcome for outcome in get_args(Outcome) if outcome != "active"),
        *PLAIN,
        *CHOICES,
        *sorted(SAFE_FIELDS),
        *(name for name in metric_names() if "plugin" not in name and "mcp" not in name),
    ],
)
def test_page_names_it(name: str) -> None:
    assert name in PAGE


def test_each_kind_of_error_says_what_to_do() -> None:
    remedies = [kind.kind_remedy for kind in WorkerError.__subclasses__()]
    assert len(set(remedies)) == len(remedies) and WorkerError.kind_remedy not in remedies


@pytest.mark.parametrize("kind", WorkerError.__subclasses__())
def test_an_error_carries_what_failed_and_what_to_do_as_two_parts(kind: type[WorkerError]) -> None:
    error = kind("The key is missing.", "Create the Secret.")
    assert (error.failed, error.remedy) == ("The key is missing.", "Create the Secret.")
    assert str(error) == user_sentence(error) == "The key is missing. Create the Secret."
    bare = kind("The key is missing.")
    assert (str(bare), bare.remedy) == ("The key is missing.", kind.kind_remedy)
