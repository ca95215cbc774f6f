"""The times of steps: of this run, and of the first time on this machine."""

import json
from pathlib import Path

import pytest
from voiceagent_sandbox.progress import Progress


def test_only_finished_steps_count_as_the_first_time(tmp_path: Path) -> None:
    file = tmp_path / "first-times.json"
    interrupted = Progress(lambda: "")
    with interrupted.step("Fetch"):
        pass
    with pytest.raises(KeyboardInterrupt), interrupted.step("Build"):
        raise KeyboardInterrupt
    interrupted.save_first(file)
    assert set(json.loads(file.read_text())) == {"Fetch"}

    again = Progress(lambda: "")
    with again.step("Build"):
        pass
    again.save_first(file)
    assert set(json.loads(file.read_text())) == {"Fetch", "Build"}
